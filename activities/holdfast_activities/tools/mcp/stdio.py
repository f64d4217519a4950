"""A server as a child process that speaks on its input and output.

The ``mcp`` package has such a transport too. This one ends the server when the worker is killed, bounds the size of a
message, and keeps the server's error output for messages instead of passing it to the worker's.
"""

import asyncio
import logging
import os
import select
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from holdfast_workflows.contracts.agent.mcp import McpServer

from .credentials import Resolved

LARGEST_MESSAGE = 32 * 1024 * 1024
"""Bytes of one message; a larger one ends the connection."""

_LINES = 20
"""Lines of error output that are kept for an error message."""
_CLOSING = 2.0
"""Seconds for a server to end after its input has ended, and again after SIGTERM."""

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
_log = logging.getLogger("holdfast.mcp")

Streams = AbstractAsyncContextManager[TransportStreams]
"""A transport of the ``mcp`` package."""


@asynccontextmanager
async def child_process(
    server: McpServer,
    resolved: Resolved,
    errors: deque[str],
    started: Callable[[Process], None],
    ended: Callable[[], None],
) -> AsyncGenerator[TransportStreams]:
    """Start the server and yield the streams to it; ``errors`` receives its last lines of error output.

    ``started`` is called with its process, ``ended`` when the server has ended its output.

    Its environment has the few variables that commands need (``PATH``, ``HOME``, …) and those declared for it.
    """
    process = await asyncio.create_subprocess_exec(
        *_command(server),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=server.cwd,
        env=get_default_environment() | dict(resolved.env),
        start_new_session=True,
        limit=LARGEST_MESSAGE,
    )
    started(process)
    into, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, out = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        asyncio.create_task(_read(process, into, ended)),
        asyncio.create_task(_write(process, out, into)),
        asyncio.create_task(_keep_errors(process, errors, server.name, resolved)),
    ]
    try:
        yield read, write
    finally:
        closing = asyncio.create_task(_close(process, tasks))
        while not closing.done():  # also if cancelled: each wait within is bounded
            with suppress(asyncio.CancelledError):
                await asyncio.shield(closing)
        for stream in (into, read, write, out):
            stream.close()


def hung_up(process: Process) -> bool:
    """Whether the server has closed its input, so what is sent now cannot reach it.

    The system knows this as soon as the server has ended; the event loop hears of it only later.
    """
    if process.returncode is not None or process.stdin is None or process.stdin.is_closing():
        return True
    pipe = process.stdin.get_extra_info("pipe")
    if sys.platform == "win32" or pipe is None:  # uvloop does not give its pipe away
        return False
    poll = select.poll()
    poll.register(pipe, 0)  # errors and hang-ups are always reported
    return bool(poll.poll(0))


def _command(server: McpServer) -> tuple[str, ...]:
    if sys.platform == "win32":
        return server.command
    return (sys.executable, "-I", "-S", _SUPERVISOR, str(os.getpid()), *server.command)


async def _read(
    process: Process, into: MemoryObjectSendStream[SessionMessage | Exception], ended: Callable[[], None]
) -> None:
    assert process.stdout is not None
    async with into:
        try:
            while line := await process.stdout.readline():
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    continue  # servers print banners
                await into.send(SessionMessage(message))
        except ValueError:
            _log.error("an MCP server sent a message over %s bytes", f"{LARGEST_MESSAGE:,}")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return
        finally:
            ended()


async def _write(
    process: Process,
    out: MemoryObjectReceiveStream[SessionMessage],
    into: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    assert process.stdin is not None
    try:
        async for item in out:
            process.stdin.write(
                item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
            )
            await process.stdin.drain()
    except (OSError, anyio.ClosedResourceError):
        into.close()  # pending calls end instead of waiting for an answer


async def _keep_errors(process: Process, errors: deque[str], name: str, resolved: Resolved) -> None:
    assert process.stderr is not None
    with suppress(ValueError):
        while line := await process.stderr.readline():
            text = resolved.redact(line.decode(errors="replace").rstrip())
            _log.debug("%s: %s", name, text)
            errors.append(text[:500])
            while len(errors) > _LINES:
                errors.popleft()


async def _close(process: Process, tasks: list[asyncio.Task[None]]) -> None:
    """End the server: the end of its input, SIGTERM, SIGKILL."""
    assert process.stdin is not None
    process.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            _signal_group(process, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await process.wait()
            break
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _signal_group(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, number)
