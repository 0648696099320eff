"""The few calls of Linux that Python's library lacks: namespaces and mounts."""

import ctypes
import os
import platform
import signal

NEWNS, NEWUTS, NEWIPC, NEWPID = 0x20000, 0x4000000, 0x8000000, 0x20000000
READ_ONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
DETACH = 2
SYSCALLS = {"x86_64": {"clone": 56, "pivot_root": 155}, "aarch64": {"clone": 220, "pivot_root": 41}}

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(name, *args):
    numbers = SYSCALLS.get(platform.machine())
    if numbers is None:
        raise OSError(f"no numbers of system calls are known for {platform.machine()}")
    words = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(os.fsencode(a)) for a in args]
    return check(libc.syscall(ctypes.c_long(numbers[name]), *words), name)


def mount(source, target, kind=None, flags=0, data=None):
    words = [None if w is None else os.fsencode(w) for w in (source, target, kind)]
    data = None if data is None else data.encode()
    check(libc.mount(*words, ctypes.c_ulong(flags), data), f"mount on {target}")


def own_mounts():
    """From here on this process and its children have mounts of their own; they go with the last of them."""
    check(libc.unshare(NEWNS), "unshare")
    mount("none", "/", None, REC | PRIVATE)


def clone():
    """As fork, but the child is process 1 of a namespace of its own, and has its own mounts, name and IPC."""
    return syscall("clone", NEWNS | NEWUTS | NEWIPC | NEWPID | signal.SIGCHLD, 0, 0, 0, 0)


def end_with_parent():
    check(libc.prctl(1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0), "prctl")


def adopt_orphans():
    """Processes whose parent ends become children of this one, if they descend from it: none gets lost."""
    check(libc.prctl(36, ctypes.c_ulong(1), 0, 0, 0), "prctl")


def enter(root):
    """Makes a directory the root; the old one is gone."""
    os.chdir(root)
    syscall("pivot_root", ".", ".")  # both at one place: the old root is on top then, and is taken off
    check(libc.umount2(b".", DETACH), "umount")
    os.chdir("/")


def host_name(name):
    check(libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "sethostname")


def unmount(target):
    check(libc.umount2(os.fsencode(target), DETACH), f"umount {target}")
