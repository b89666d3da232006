"""Become a command that ends when its supervisor does, even by kill -9. Run as a script, before anything is imported.

``python -I -S guard.py <supervisor's pid> <command> [argument ...]``. Linux only: elsewhere the command just runs, and
only an orderly end of the supervisor ends it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; it outlasts the exec


def main() -> None:
    supervisor, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(supervisor):  # it was gone before the kernel was asked
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the supervisor's own command


if __name__ == "__main__":
    main()
