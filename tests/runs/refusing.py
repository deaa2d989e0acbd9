"""A kernel that refuses single system calls with an error of choice, as a file system without locks does: seccomp."""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Mapping

_NUMBERS: dict[str, dict[str, tuple[int, ...]]] = {
    "x86_64": {"flock": (73,), "link": (86, 265)},
    "aarch64": {"flock": (32,), "link": (37,)},
}
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ERRNO, _ALLOW = 0x0005_0000, 0x7FFF_0000


def refuse(calls: Mapping[str, int]) -> None:
    """From now on these calls ("flock", "link") fail with these errors in this process and in all that it starts.

    Raises OSError where the kernel cannot do this.
    """
    if sys.platform != "linux" or platform.machine() not in _NUMBERS:
        raise OSError(errno.ENOSYS, "seccomp is tried on Linux only")
    numbers = _NUMBERS[platform.machine()]
    code = struct.pack("HBBI", _LOAD, 0, 0, 0)
    for call, error in calls.items():
        for number in numbers[call]:
            code += struct.pack("HBBI", _EQUAL, 0, 1, number) + struct.pack("HBBI", _RETURN, 0, 0, _ERRNO | error)
    code += struct.pack("HBBI", _RETURN, 0, 0, _ALLOW)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SECCOMP, _FILTER, program, 0, 0)):
        if libc.prctl(*(ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def can_refuse() -> bool:
    """Whether this kernel can, tried in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            refuse({"flock": errno.ENOLCK})
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0
