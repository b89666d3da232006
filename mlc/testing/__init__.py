"""Suites of tests for whoever writes another adapter: import a class, supply a fixture, and pytest does the rest.

Needs ``pytest``; nothing that runs in production imports anything from here.
"""
