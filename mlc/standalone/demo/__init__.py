"""``mlc demo``: models on their way to production, and what happens to them there, on this machine and for real."""

from pathlib import Path

EXAMPLES = Path(__file__).with_name("models")
"""The folders of ``examples/``: a link in a clone, copies in an installed wheel."""
