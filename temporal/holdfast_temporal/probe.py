"""Checks of processes and ports, each within a bounded time."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import ExitStack
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.service import ConnectConfig, RPCError, ServiceClient

_QUICK = 1.0  # seconds for something on this machine


def free_ports(count: int) -> list[int]:
    """Distinct free ports; for about a minute, the kernel gives them only to a process that names them."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        for server in servers:
            # Linux keeps the port of a connection that this end closed first. A process that names the port
            # may still listen there; one that binds port 0 gets another.
            with socket.create_connection(server.getsockname(), timeout=_QUICK) as other:
                server.accept()[0].close()
                other.recv(1)
        return [server.getsockname()[1] for server in servers]


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    if listens(f"127.0.0.1:{port}"):  # on macOS a server may listen on one address although another has all
        return False
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def listens(address: str) -> bool:
    """Whether something accepts connections at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_QUICK).close()
    except (OSError, ValueError):
        return False
    return True


def serves(pid: int, address: str) -> bool:
    """Whether it is this process that accepts connections at ``host:port``, and not another at the same port."""
    if not listens(address):
        return False
    try:
        import psutil
    except ImportError:  # a client that looks for the embedded server of other processes
        return alive(pid)
    port = int(address.rpartition(":")[2])
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # the process of another user
        return True
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)


async def answers(address: str, namespace: str = "default") -> bool:
    """Whether a Temporal server at the address reports that it is healthy and has the namespace."""
    if not listens(address):  # detects a refused connection at once; the SDK would retry
        return False
    try:
        service = await asyncio.wait_for(
            ServiceClient.connect(
                ConnectConfig(target_host=address, connect_timeout=timedelta(seconds=_QUICK))
            ),
            _QUICK,
        )
        if not await service.check_health(timeout=timedelta(seconds=_QUICK)):
            return False
        await service.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=timedelta(seconds=_QUICK)
        )
    except (RPCError, RuntimeError, TimeoutError):  # the SDK raises RuntimeError
        return False
    return True


def alive(pid: int) -> bool:
    """Whether a process runs, or has ended and its parent has not waited for it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def gone(pid: int) -> bool:
    """Whether a process has ended; reaps our own child."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not alive(pid)
