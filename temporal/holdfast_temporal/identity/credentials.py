"""A credential: an API key or a token, or the place to read it from."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from holdfast_workflows.contracts.errors import SettingsInvalid

CredentialSource = str | Callable[[], str | Awaitable[str]]
"""A credential, ``file:/path`` or ``env:NAME``, or a function that returns a credential. The latter three are read
again for each exchange, so that a token can be renewed."""


async def read(source: CredentialSource) -> str:
    """Return the credential.

    Raises:
        SettingsInvalid: A file or variable is missing or empty, or the function returned no text.
    """
    if callable(source):
        made = source()
        value = await made if inspect.isawaitable(made) else made
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - users' functions may be untyped
            raise SettingsInvalid(f"credential: its function returned {type(value).__name__}, not a str")
    elif source.startswith("file:"):
        value = await asyncio.to_thread(_file, source.removeprefix("file:"))
    elif source.startswith("env:"):
        value = os.environ.get(source.removeprefix("env:"), "")
    else:
        value = source
    if not value.strip():
        where = source if isinstance(source, str) and source.startswith(("file:", "env:")) else "its value"
        raise SettingsInvalid(f"HOLDFAST_CREDENTIAL, or credential=…: {where} is empty")
    return value.strip()


def _file(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"HOLDFAST_CREDENTIAL, or credential=…: file {path}: {error}") from error
