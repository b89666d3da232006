"""Programs that try what a model must not be able to do. Each prints ``done`` if it believes that it could.

They get what they aim at by the variable ``AIM``, as JSON: see ``test_threat_model.py``.
"""

TRY = """
import ctypes, json, os, signal, socket, subprocess, sys, time
aim = json.loads(os.environ["AIM"])
c = ctypes.CDLL(None, use_errno=True)
def attempt():
{attempt}
try:
    result = attempt()
except BaseException as error:
    result = f"{{type(error).__name__}}: {{error}}"
print("done" if result is True else f"not done: {{result}}", flush=True)
"""

ATTEMPTS = {
    # What it may read
    "runtime-environment": "return b'A_SECRET' in open(f'/proc/{aim[\"runtime\"]}/environ', 'rb').read()",
    "runtime-memory": "return open(f'/proc/{aim[\"runtime\"]}/mem', 'rb', buffering=0) is not None",
    "settings": "return 'A_SECRET' in open(aim['settings']).read()",
    "other-job": "return open(aim['other_job'] + '/data.csv').read() == 'a secret'",
    "other-files": "return os.path.exists('/etc/hostname') and bool(os.listdir('/var/lib'))",
    "other-processes": "return bool(open(f'/proc/{aim[\"runtime\"]}/cmdline').read())",
    # What it may change
    "own-code": "open('model.py', 'a').write('#'); return True",
    "own-folder": "open('new.txt', 'w').write('x'); return True",
    "environment": "open(aim['environment'] + '/lib.py', 'a').write('#'); return True",
    "other-job-write": "open(aim['other_job'] + '/new', 'w').write('x'); return True",
    "home-write": "open(aim['home'] + '/new', 'w').write('x'); return True",
    "temporary-write": "open('/var/tmp/' + aim['unique'], 'w').write('x'); return True",
    "modes": (
        "os.chmod(aim['environment'] + '/lib.py', 0o777); "
        "return os.stat(aim['environment'] + '/lib.py').st_mode & 0o777 == 0o777"
    ),
    "times": (
        "os.utime(aim['environment'] + '/lib.py', (1, 1)); return os.stat(aim['environment'] + '/lib.py').st_mtime == 1"
    ),
    "weights": (
        "names = ('weights.bin', 'out/weights.bin')\n"
        "    for name in names:\n"
        "        for change in (\n"
        "            lambda: os.chmod(name, 0o666),\n"
        "            lambda: open(name, 'r+b').write(b'changed'),\n"
        "            lambda: open(name, 'wb').write(b'changed'),\n"
        "            lambda: os.truncate(name, 1),\n"
        "            lambda: os.close(os.open(name, os.O_RDONLY | os.O_TRUNC)),\n"
        "            lambda: open(f'/proc/self/fd/{os.open(name, os.O_RDONLY)}', 'r+b').write(b'changed'),\n"
        "            lambda: os.link(name, 'out/second'),\n"
        "            lambda: open('out/second', 'r+b').write(b'changed'),\n"
        "            lambda: os.rename(name, 'out/moved'),\n"
        "            lambda: open('out/moved', 'r+b').write(b'changed'),\n"
        "        ):\n"
        "            try: change()\n"
        "            except OSError: pass\n"
        "    return True"
    ),
    "kept-contents": (
        "os.chmod(aim['kept'], 0o600) if os.access(aim['kept'], os.F_OK) else None; "
        "open(aim['kept'], 'r+b').write(b'changed'); return True"
    ),
    "remove": "os.unlink(aim['environment'] + '/lib.py'); return True",
    # Whom it may reach
    "tcp": "socket.create_connection(('127.0.0.1', aim['tcp']), 5); return True",
    "udp": (
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', aim['tcp'])); return True"
    ),
    "unix-socket": "s = socket.socket(socket.AF_UNIX); s.connect(aim['unix']); return True",
    "abstract-socket": "s = socket.socket(socket.AF_UNIX); s.connect('\\0' + aim['unique']); return True",
    # Which processes it may touch
    "signal-runtime": "os.kill(aim['runtime'], 0); return True",
    "trace-runtime": "return c.ptrace(0x4206, aim['runtime'], 0, 0) == 0",
    # What it may ask of the kernel
    "namespaces": "return c.unshare(0x10000000) == 0",
    "mount": (
        "place = os.environ['TMPDIR'].encode(); "
        "return c.mount(b'none', place, b'tmpfs', 0, None) == 0 and c.umount2(place, 2) == 0"
    ),
    "keys": "return c.syscall({'x86_64': 248, 'aarch64': 217}[os.uname().machine], b'user', b'k', b'v', 1, -3) > 0",
    "bpf": (
        "map_ = ctypes.create_string_buffer(bytes([1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0]), 128); "
        "return c.syscall({'x86_64': 321, 'aarch64': 280}[os.uname().machine], 0, map_, 128) >= 0"
    ),
    "userfaultfd": "return c.syscall({'x86_64': 323, 'aarch64': 282}[os.uname().machine], 1) >= 0",
    "io-uring": "return c.syscall(425, 1, ctypes.create_string_buffer(120)) >= 0",
    "new-privileges": "return 'NoNewPrivs:\\t0' in open('/proc/self/status').read()",
    "shared-memory-left": "return c.shmget(aim['key'], 4096, 0o1666) >= 0",
}
