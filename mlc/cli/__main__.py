"""``python -m mlc.cli``: the ``mlc`` command without its script."""

from mlc.cli import main

main()
