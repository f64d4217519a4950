"""Saying which database cannot be reached, and whether waiting for it can help."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError

from holdfast_workflows.contracts.errors import SettingsInvalid, StateUnavailable

from .location import Location

_FINAL: Final = (
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidAuthorizationSpecificationError,  # no such user, or none that is let in from here
    asyncpg.InvalidCatalogNameError,  # no such database
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedObjectError,  # an option of the URL that is no parameter of the server
    asyncpg.InvalidParameterValueError,
    asyncpg.ClientConfigurationError,
)


@contextmanager
def named(location: Location) -> Generator[None]:
    """Name the database, never its password, in the error of a connection that fails.

    Raises:
        SettingsInvalid: Waiting cannot help: the user, password, database, host or an option is wrong.
        StateUnavailable: It may be there later.
    """
    try:
        yield
    except StateUnavailable as error:
        if _final(error):
            raise SettingsInvalid(f"HOLDFAST_STATE_URL: {location.place}: {_said(error)}") from error
        raise StateUnavailable(f"{location.place}: {_said(error)}") from error


def _said(error: StateUnavailable) -> str:
    """The driver's own words, without SQLAlchemy's around them."""
    cause = error.__cause__
    if not isinstance(cause, DBAPIError) or cause.orig is None:
        return error.detail
    own = cause.orig.__cause__ or cause.orig
    return f"{type(own).__name__}: {own}"


def _final(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        unknown_host = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
        if unknown_host or isinstance(cause, _FINAL):
            return True
        cause = cause.__cause__
    return False
