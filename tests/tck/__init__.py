"""Runs the DMN technology compatibility kit against `mlc.dmn`."""
