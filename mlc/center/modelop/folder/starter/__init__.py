"""A small model folder that works: what ``mlc init`` writes."""

from mlc.center.modelop.folder.starter.writing import NotEmpty, write_starter

__all__ = ["NotEmpty", "write_starter"]
