"""A small model folder that works: what ``mlc init`` writes."""

from mlc.standalone.starter.writing import NotEmpty, write_starter

__all__ = ["NotEmpty", "write_starter"]
