"""Where findings were once."""

from mlc.model.finding import TIME_LIMIT, Finding, Mark, good, listed, said, unchecked, warning, wrong

__all__ = ["TIME_LIMIT", "Finding", "Mark", "good", "listed", "said", "unchecked", "warning", "wrong"]
