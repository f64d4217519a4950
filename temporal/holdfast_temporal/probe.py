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
    """Distinct free ports; the kernel gives them to no process that asks for any port for about a minute."""
    with ExitStack() as held:
        servers = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        for server in servers:
            # Linux keeps the port of a connection that was closed at this end first. Who names the
            # port may listen there all the same; who only wants some port gets another.
            with socket.create_connection(server.getsockname(), timeout=_QUICK) as other:
                server.accept()[0].close()
                other.recv(1)
        return [server.getsockname()[1] for server in servers]


def listens(address: str) -> bool:
    """Whether something accepts connections at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_QUICK).close()
    except (OSError, ValueError):
        return False
    return True


async def answers(address: str, namespace: str = "default") -> bool:
    """Whether a Temporal server there says that it is healthy and knows the namespace."""
    if not listens(address):  # reports a refused connection at once; the SDK does so only after retries
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
    except (RPCError, RuntimeError, TimeoutError):  # RuntimeError is how the SDK says "cannot connect"
        return False
    return True


def alive(pid: int) -> bool:
    """Whether a process of that number runs, or has ended and was not noticed by its parent."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def gone(pid: int) -> bool:
    """Whether a process has ended; if it is our own child, take note of its end."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not alive(pid)
