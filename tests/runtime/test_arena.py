"""Threads of a runtime allocate from one arena, so that what one of them has freed is there for the others."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import ctypes, os, sys, tempfile, threading
from mlc.runtime.arena import share_arena

if sys.argv[1] == "shared":
    share_arena()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.fdopen.argtypes = [ctypes.c_size_t], [ctypes.c_int, ctypes.c_char_p]
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
together = threading.Barrier(8)
def allocate():
    together.wait()
    libc.malloc(1_000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with tempfile.NamedTemporaryFile() as told:
    stream = libc.fdopen(os.dup(told.fileno()), b"w")
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(open(told.name).read().count("<heap nr="))
"""


def arenas(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are glibc's")
def test_eight_threads_allocate_from_one_arena_and_from_more_without_it() -> None:
    assert arenas("shared") == 1
    assert arenas("as it is") > 1
