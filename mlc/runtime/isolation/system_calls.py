"""The numbers of the system calls that are refused to contained programs, by architecture (Linux's unistd.h)."""

NEWEST = 469
"""The last number of which it is known here what it does; what is newer is refused as not implemented."""
X32 = 0x4000_0000
"""Set in the numbers of x86_64's second set of calls."""


def _table(text: str) -> dict[str, int]:
    words = (entry.split() for entry in text.split(","))
    return {name: int(number) for name, number in words}


_COMMON = """
    pidfd_send_signal 424, io_uring_setup 425, io_uring_enter 426, io_uring_register 427, open_tree 428,
    move_mount 429, fsopen 430, fsconfig 431, fsmount 432, fspick 433, clone3 435, openat2 437, pidfd_getfd
    438, process_madvise 440, mount_setattr 442, quotactl_fd 443, process_mrelease 448, fchmodat2 452,
    setxattrat 463, removexattrat 466, open_tree_attr 467, file_setattr 469
"""
_X86_64 = """
    open 2, ioctl 16, shmget 29, shmat 30, shmctl 31, socket 41, connect 42, bind 49, socketpair 53, clone
    56, kill 62, semget 64, semop 65, semctl 66, shmdt 67, msgget 68, msgsnd 69, msgrcv 70, msgctl 71, fcntl
    72, truncate 76, chmod 90, fchmod 91, chown 92, fchown 93, lchown 94, ptrace 101, syslog 103,
    rt_sigqueueinfo 129, utime 132, personality 135, setpriority 141, sched_setparam 142, sched_setscheduler
    144, modify_ldt 154, pivot_root 155, chroot 161, acct 163, settimeofday 164, mount 165, umount2 166,
    swapon 167, swapoff 168, reboot 169, sethostname 170, setdomainname 171, iopl 172, ioperm 173,
    init_module 175, delete_module 176, quotactl 179, setxattr 188, lsetxattr 189, fsetxattr 190,
    removexattr 197, lremovexattr 198, fremovexattr 199, tkill 200, sched_setaffinity 203, lookup_dcookie
    212, semtimedop 220, clock_settime 227, tgkill 234, utimes 235, mq_open 240, mq_unlink 241, kexec_load
    246, add_key 248, request_key 249, keyctl 250, ioprio_set 251, inotify_add_watch 254, migrate_pages 256,
    openat 257, fchownat 260, futimesat 261, fchmodat 268, unshare 272, move_pages 279, utimensat 280,
    rt_tgsigqueueinfo 297, perf_event_open 298, fanotify_init 300, fanotify_mark 301, prlimit64 302,
    name_to_handle_at 303, open_by_handle_at 304, setns 308, process_vm_readv 310, process_vm_writev 311,
    kcmp 312, finit_module 313, sched_setattr 314, kexec_file_load 320, bpf 321, userfaultfd 323
"""
_AARCH64 = """
    setxattr 5, lsetxattr 6, fsetxattr 7, removexattr 14, lremovexattr 15, fremovexattr 16, lookup_dcookie
    18, fcntl 25, inotify_add_watch 27, ioctl 29, ioprio_set 30, umount2 39, mount 40, pivot_root 41,
    truncate 45, chroot 51, fchmod 52, fchmodat 53, fchownat 54, fchown 55, openat 56, quotactl 60,
    utimensat 88, acct 89, personality 92, unshare 97, kexec_load 104, init_module 105, delete_module 106,
    clock_settime 112, syslog 116, ptrace 117, sched_setparam 118, sched_setscheduler 119, sched_setaffinity
    122, kill 129, tkill 130, tgkill 131, rt_sigqueueinfo 138, setpriority 140, reboot 142, sethostname 161,
    setdomainname 162, settimeofday 170, mq_open 180, mq_unlink 181, msgget 186, msgctl 187, msgrcv 188,
    msgsnd 189, semget 190, semctl 191, semtimedop 192, semop 193, shmget 194, shmctl 195, shmat 196, shmdt
    197, socket 198, socketpair 199, bind 200, connect 203, add_key 217, request_key 218, keyctl 219, clone
    220, swapon 224, swapoff 225, migrate_pages 238, move_pages 239, rt_tgsigqueueinfo 240, perf_event_open
    241, prlimit64 261, fanotify_init 262, fanotify_mark 263, name_to_handle_at 264, open_by_handle_at 265,
    setns 268, process_vm_readv 270, process_vm_writev 271, kcmp 272, finit_module 273, sched_setattr 274,
    bpf 280, userfaultfd 282, kexec_file_load 294
"""
NUMBERS = {"x86_64": _table(f"{_X86_64}, {_COMMON}"), "aarch64": _table(f"{_AARCH64}, {_COMMON}")}
"""System calls by name, for each architecture; it lacks those that its kernels never had."""

NEVER = (
    # file systems and namespaces
    *("mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree"),
    *("open_tree_attr", "move_mount", "mount_setattr", "unshare", "setns", "open_by_handle_at", "name_to_handle_at"),
    *("quotactl", "quotactl_fd", "fanotify_init", "fanotify_mark", "lookup_dcookie"),
    # other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise", "process_mrelease"),
    *("migrate_pages", "move_pages"),
    # parts of the kernel that have had more holes than uses
    *("bpf", "perf_event_open", "keyctl", "add_key", "request_key", "userfaultfd"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "modify_ldt", "personality"),
    # the machine itself
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff"),
    *("acct", "settimeofday", "clock_settime", "sethostname", "setdomainname", "iopl", "ioperm", "syslog"),
)
"""Refused at every level that has a filter."""

SHARED = (
    *("shmget", "shmat", "shmdt", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl"),
    *("semget", "semop", "semtimedop", "semctl", "mq_open", "mq_unlink"),
)
"""What outlives processes, or reaches those of the same account, without a namespace of its own."""

ATTRIBUTES = ("chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "utimensat")
"""Change a file's mode or times: Landlock can't say of which files."""

OWNERSHIP = (
    *("chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr", "inotify_add_watch"),
)
"""What else can be done to, or seen of, a file that Landlock doesn't let a program open."""
