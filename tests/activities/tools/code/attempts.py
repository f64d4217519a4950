"""Programs that try to leave the sandbox. Each ends with an error if it is contained."""

from __future__ import annotations

import textwrap

PRELUDE = """
import ctypes, fcntl, os, resource, signal, socket, stat, struct, subprocess, sys, time
LIBC = ctypes.CDLL(None, use_errno=True)
CALLS = dict(x86_64=dict(unshare=272, setns=308, mount=165, pivot_root=155, clone=56, clone3=435, ptrace=101,
  process_vm_readv=310, bpf=321, perf_event_open=298, io_uring_setup=425, keyctl=250, add_key=248, userfaultfd=323,
  finit_module=313, kexec_load=246, memfd_create=319, shmget=29, msgget=68, personality=135, syslog=103,
  open_by_handle_at=304, name_to_handle_at=303, open_tree=428, fsopen=430, pidfd_getfd=438, clock_settime=227,
  sethostname=170, chroot=161, umount2=166, vmsplice=278, move_pages=279, quotactl=179, reboot=169, swapon=167,
  init_module=175, acct=163, mount_setattr=442),
 aarch64=dict(unshare=97, setns=268, mount=40, pivot_root=41, clone=220, clone3=435, ptrace=117,
  process_vm_readv=270, bpf=280, perf_event_open=241, io_uring_setup=425, keyctl=219, add_key=217, userfaultfd=282,
  finit_module=273, kexec_load=104, memfd_create=279, shmget=194, msgget=186, personality=92, syslog=116,
  open_by_handle_at=265, name_to_handle_at=264, open_tree=428, fsopen=430, pidfd_getfd=438, clock_settime=112,
  sethostname=161, chroot=51, umount2=39, vmsplice=75, move_pages=239, quotactl=60, reboot=142, swapon=224,
  init_module=105, acct=89, mount_setattr=442))[os.uname().machine]
def kernel(name, *args):
    ctypes.set_errno(0)
    whole = [ctypes.c_long(each) if isinstance(each, int) else each for each in args]
    if LIBC.syscall(CALLS[name], *whole) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
def connect(family, kind, address):
    with socket.socket(family, kind) as it:
        it.settimeout(1)
        it.connect(address)
        it.send(b"x")
def must(what):
    if not what:
        raise RuntimeError("nothing found")
"""

ATTEMPTS = {
    "connect to a server of the host": "connect(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', PORT))",
    "connect to a public address": "connect(socket.AF_INET, socket.SOCK_STREAM, ('1.1.1.1', 443))",
    "send a datagram": "connect(socket.AF_INET, socket.SOCK_DGRAM, ('8.8.8.8', 53))",
    "connect over IPv6": "connect(socket.AF_INET6, socket.SOCK_STREAM, ('2606:4700::1111', 443))",
    "resolve a name": "socket.getaddrinfo('example.com', 80)",
    "open a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
    "open a packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "ask the kernel over netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
    "reach the hypervisor over vsock": "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
    "use the kernel's cryptography": "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)",
    "connect to an abstract socket of the host": "connect(socket.AF_UNIX, socket.SOCK_STREAM, '\\0' + CANARY)",
    "connect to a socket file of the host": "connect(socket.AF_UNIX, socket.SOCK_STREAM, FOLDER + '/canary.sock')",
    "read the password hashes": "open('/etc/shadow').read()",
    "read the users": "open('/etc/passwd').read()",
    "list the home of root": "os.listdir('/root')",
    "read a file of the worker": "open(FOLDER + '/worker.txt').read()",
    "read the state database": "open(FOLDER + '/state.db', 'rb').read()",
    "read a file of the worker through a link": "os.symlink(FOLDER + '/worker.txt', 'link'); open('link').read()",
    "read a file of the worker through the first process": "open('/proc/1/root' + FOLDER + '/worker.txt').read()",
    "read the worker's folder through the first process": "os.listdir('/proc/1/cwd' + FOLDER)",
    "find a secret in the environment": "must(CANARY in str(os.environ))",
    "find a secret in the environment of any process": """
        found = b"".join(open(f"/proc/{pid}/environ", "rb").read() for pid in os.listdir("/proc") if pid.isdigit())
        must(CANARY.encode() in found)
    """,
    "find a process of the host": "must([pid for pid in os.listdir('/proc') if pid.isdigit() and int(pid) > 20])",
    "signal the worker": "os.kill(WORKER, 0)",
    "use an open file of the worker": """
        own = os.open("/dev/null", os.O_RDONLY)
        must([name for name in os.listdir("/proc/self/fd") if 2 < int(name) < own])
    """,
    "overwrite the sandbox's own program": "open('/proc/1/exe', 'wb')",
    "write to the system": "open('/usr/bin/holdfast-canary', 'w')",
    "write to the root folder": "open('/canary', 'w')",
    "write among the devices": "open('/dev/canary', 'w')",
    "write a setting of the kernel": "open('/proc/sys/kernel/core_pattern', 'w').write('|/work/x')",
    "trigger the kernel's emergency keys": "open('/proc/sysrq-trigger', 'w').write('h')",
    "change an interpreter": "os.chmod(os.path.realpath(sys.executable), 0o777)",
    "make a device": "os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(8, 0))",
    "open the kernel's memory": "open('/dev/mem', 'rb')",
    "read the kernel's memory": "open('/proc/kcore', 'rb').read(16)",
    "read the kernel's log": "open('/dev/kmsg', 'rb')",
    "open the terminal": "open('/dev/tty', 'w').write('x')",
    "use control groups": "os.listdir('/sys/fs/cgroup')",
    "change the root folder": "kernel('chroot', b'/work')",
    "mount a file system": "kernel('mount', b'none', b'/work', b'tmpfs', 0, 0)",
    "mount by the new interface": "kernel('fsopen', b'tmpfs', 0)",
    "open a tree of mounts": "kernel('open_tree', -100, b'/', 1)",
    "make mounts writable": "kernel('mount_setattr', -100, b'/', 0, 0, 0)",
    "unmount the system": "kernel('umount2', b'/usr', 2)",
    "exchange the root folder": "kernel('pivot_root', b'.', b'.')",
    "make a user namespace": "kernel('unshare', 0x10000000)",
    "make a user namespace with a process": "kernel('clone', 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)",
    "make a user namespace by the new interface": """
        kernel('clone3', ctypes.create_string_buffer(struct.pack("=8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64), 64)
    """,
    "enter another namespace": "kernel('setns', os.open('/proc/1/ns/mnt', os.O_RDONLY), 0)",
    "trace the first process": "kernel('ptrace', 16, 1, 0, 0)",
    "trace a child": """
        child = os.fork()
        if not child:
            time.sleep(5)
            os._exit(0)
        kernel('ptrace', 16, child, 0, 0)
    """,
    "read another process's memory": """
        buffer = ctypes.create_string_buffer(16)
        own = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 16)
        kernel('process_vm_readv', os.getpid(), own, 1, own, 1, 0)
    """,
    "take a file of another process": "kernel('pidfd_getfd', os.pidfd_open(os.getpid()), 0, 0)",
    "open a file by its handle": "kernel('name_to_handle_at', -100, b'/work', 0, 0, 0)",
    "load a program into the kernel": "kernel('bpf', 0, 0, 0)",
    "measure the kernel": "kernel('perf_event_open', ctypes.create_string_buffer(128), 0, -1, -1, 0)",
    "use the kernel's queues": "kernel('io_uring_setup', 1, ctypes.create_string_buffer(128))",
    "read the kernel's keys": "kernel('keyctl', 0, -3, 1)",
    "handle page faults": "kernel('userfaultfd', 1)",
    "load a module": "kernel('init_module', 0, 0, b'')",
    "start another kernel": "kernel('kexec_load', 0, 0, 0, 0)",
    "hold memory in a file without a name": "kernel('memfd_create', b'x', 0)",
    "hold memory in shared segments": "kernel('shmget', 0, 4096, 0o1600)",
    "set the clock": "kernel('clock_settime', 0, ctypes.create_string_buffer(16))",
    "read the kernel's log by a call": "kernel('syslog', 3, ctypes.create_string_buffer(64), 64)",
    "change the way programs run": "kernel('personality', 0x0040000)",
    "become root": "os.setuid(0)",
    "gain privileges by a setuid program": """
        must(subprocess.run(["su", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0)
    """,
    "raise a limit": "resource.setrlimit(resource.RLIMIT_NPROC, (5_000, 5_000))",
    "type into a terminal": "fcntl.ioctl(0, 0x5412, b'x')",
    "use 32-bit system calls": """
        import mmap
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")  # getpid by the old interface
        code = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
        must(os.uname().machine == "x86_64" and code() > 0)
    """,
}


def program(body: str, **known: object) -> str:
    """A program that prints whether the attempt was contained."""
    names = "".join(f"{name.upper()} = {value!r}\n" for name, value in known.items())
    steps = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return (
        f"{PRELUDE}\n{names}try:\n{steps}\nexcept BaseException as error:\n"
        "    print('contained:', type(error).__name__, error)\nelse:\n    print('ESCAPED')\n"
    )
