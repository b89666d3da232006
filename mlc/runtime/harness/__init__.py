"""What runs inside the model's own process: imports the model, calls its functions, reads and writes records.

Stands on the standard library and pandas alone, since it also runs under interpreters that were made for one
model's requirements and know nothing of this project. Imports within the package are relative for that reason.
"""
