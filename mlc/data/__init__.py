"""Data where it lies: read from, and written to, folders, object stores and databases. Imports nothing but mlc.model.

Addresses are checked by whoever calls (:class:`mlc.model.file.FileRules`); in here is what is done at one.
"""
