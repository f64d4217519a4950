"""Errors that name the database that cannot be reached, and whether waiting can help."""

from __future__ import annotations

import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager

from holdfast_workflows.contracts.errors import SettingsInvalid, StateUnavailable

from .location import Location


@contextmanager
def named(location: Location) -> Generator[None]:
    """Name the database, never its password, in the error of a connection that fails.

    Raises SettingsInvalid if waiting cannot help: the user, password, database, host or an option is wrong.
    """
    try:
        yield
    except StateUnavailable as error:
        detail = f"{location.place}: {error.detail}"
        if _is_permanent(error):
            raise SettingsInvalid(f"HOLDFAST_STATE_URL: {detail}") from error
        raise StateUnavailable(detail) from error


def _permanent_errors() -> tuple[type[BaseException], ...]:
    import asyncpg  # not loaded by workers on SQLite

    return (
        asyncpg.InvalidPasswordError,
        asyncpg.InvalidAuthorizationSpecificationError,  # unknown user, or host not allowed by pg_hba.conf
        asyncpg.InvalidCatalogNameError,  # no such database
        asyncpg.InsufficientPrivilegeError,
        asyncpg.UndefinedObjectError,  # a URL option that is not a server parameter
        asyncpg.InvalidParameterValueError,
        asyncpg.ClientConfigurationError,
    )


def _is_permanent(error: BaseException) -> bool:
    permanent = _permanent_errors() if "asyncpg" in sys.modules else ()
    if isinstance(error, permanent) or (
        isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME  # unknown host
    ):
        return True
    return error.__cause__ is not None and _is_permanent(error.__cause__)
