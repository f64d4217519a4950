"""The filter of system calls inside the sandbox, as a program for the kernel (seccomp BPF).

It refuses what programs need to change namespaces, mounts, keys, clocks and modules, to inspect other processes,
and to hold memory that is not counted; and every socket that is not a Unix socket, since some kinds, such as
vsock, leave a network namespace. Unknown architectures have no table, so the sandbox is refused on them.
"""

import errno
import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

_LOAD: Final = 0x20
_EQUALS: Final = 0x15
_AT_LEAST: Final = 0x35
_HAS_BITS: Final = 0x45
_RETURN: Final = 0x06

_KILL: Final = 0x8000_0000
_ERROR: Final = 0x0005_0000
_ALLOW: Final = 0x7FFF_0000

_NUMBER, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24
"""Offsets in the kernel's data: the call's number, the architecture, the low halves of two arguments."""

_X32: Final = 0x4000_0000
_NEW_NAMESPACES: Final = 0x7E02_0000
_AF_UNIX: Final = 1
_TERMINAL_INPUT: Final = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


@dataclass(frozen=True, slots=True)
class _Architecture:
    audit: int
    refused: str
    socket: int
    socketpair: int
    clone: int
    clone3: int
    ioctl: int


_ARCHITECTURES: Final = {
    "x86_64": _Architecture(
        0xC000_003E,
        """
        acct=163 add_key=248 adjtimex=159 bpf=321 chroot=161 clock_adjtime=305 clock_settime=227
        delete_module=176 fanotify_init=300 finit_module=313 fsconfig=431 fsmount=432 fsopen=430
        fspick=433 get_mempolicy=239 init_module=175 io_uring_enter=426 io_uring_register=427
        io_uring_setup=425 ioperm=173 iopl=172 kcmp=312 kexec_file_load=320 kexec_load=246
        keyctl=250 lookup_dcookie=212 mbind=237 memfd_create=319 memfd_secret=447 migrate_pages=256
        mount=165 mount_setattr=442 move_mount=429 move_pages=279 mq_open=240 msgget=68
        name_to_handle_at=303 nfsservctl=180 open_by_handle_at=304 open_tree=428 perf_event_open=298
        personality=135 pidfd_getfd=438 pivot_root=155 process_madvise=440 process_vm_readv=310
        process_vm_writev=311 ptrace=101 quotactl=179 quotactl_fd=443 reboot=169 request_key=249
        semget=64 set_mempolicy=238 set_mempolicy_home_node=450 setdomainname=171 sethostname=170
        setns=308 settimeofday=164 shmget=29 swapoff=168 swapon=167 syslog=103 umount2=166
        unshare=272 uselib=134 userfaultfd=323 ustat=136 vhangup=153 vmsplice=278
        """,
        socket=41,
        socketpair=53,
        clone=56,
        clone3=435,
        ioctl=16,
    ),
    "aarch64": _Architecture(
        0xC000_00B7,
        """
        acct=89 add_key=217 adjtimex=171 bpf=280 chroot=51 clock_adjtime=266 clock_settime=112
        delete_module=106 fanotify_init=262 finit_module=273 fsconfig=431 fsmount=432 fsopen=430
        fspick=433 get_mempolicy=236 init_module=105 io_uring_enter=426 io_uring_register=427
        io_uring_setup=425 kcmp=272 kexec_file_load=294 kexec_load=104 keyctl=219 lookup_dcookie=18
        mbind=235 memfd_create=279 memfd_secret=447 migrate_pages=238 mount=40 mount_setattr=442
        move_mount=429 move_pages=239 mq_open=180 msgget=186 name_to_handle_at=264 nfsservctl=42
        open_by_handle_at=265 open_tree=428 perf_event_open=241 personality=92 pidfd_getfd=438
        pivot_root=41 process_madvise=440 process_vm_readv=270 process_vm_writev=271 ptrace=117
        quotactl=60 quotactl_fd=443 reboot=142 request_key=218 semget=190 set_mempolicy=237
        set_mempolicy_home_node=450 setdomainname=162 sethostname=161 setns=268 settimeofday=170
        shmget=194 swapoff=225 swapon=224 syslog=116 umount2=39 unshare=97 userfaultfd=282
        vhangup=58 vmsplice=75
        """,
        socket=198,
        socketpair=199,
        clone=220,
        clone3=435,
        ioctl=29,
    ),
}
"""Numbers of system calls, from the kernel's headers."""


@cache
def program(machine: str) -> bytes | None:
    """The filter for a machine as ``platform.machine()`` names it; None if there is no table for it."""
    found = _ARCHITECTURES.get(machine)
    if found is None:
        return None
    code = [
        _step(_LOAD, _ARCH),
        _step(_EQUALS, found.audit, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        code += [_step(_AT_LEAST, _X32, 0, 1), _step(_RETURN, _KILL)]
    for pair in found.refused.split():
        code += _when(int(pair.partition("=")[2]), [_error(errno.EPERM)])
    # The C library falls back to clone, whose flags can be read here.
    code += _when(found.clone3, [_error(errno.ENOSYS)])
    code += _when(
        found.clone,
        [_step(_LOAD, _FIRST), _step(_HAS_BITS, _NEW_NAMESPACES, 0, 1), _error(errno.EPERM), _allow()],
    )
    for number in (found.socket, found.socketpair):
        code += _when(
            number, [_step(_LOAD, _FIRST), _step(_EQUALS, _AF_UNIX, 1, 0), _error(errno.EPERM), _allow()]
        )
    requests = [each for request in _TERMINAL_INPUT for each in _when(request, [_error(errno.EPERM)])]
    code += _when(found.ioctl, [_step(_LOAD, _SECOND), *requests, _allow()])
    return b"".join([*code, _allow()])


def _when(value: int, steps: list[bytes]) -> list[bytes]:
    """Steps that are taken if the loaded value is this one."""
    return [_step(_EQUALS, value, 0, len(steps)), *steps]


def _error(number: int) -> bytes:
    return _step(_RETURN, _ERROR | number)


def _allow() -> bytes:
    return _step(_RETURN, _ALLOW)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
