"""The keys of the environment, for programs that open the stores themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast_temporal import Connection

if TYPE_CHECKING:
    from holdfast_temporal.encryption.keyring import Keyring


def keys_and_rule() -> tuple[Keyring | None, bool]:
    """The keys of ``HOLDFAST_KEYS``, and whether clear content is accepted.

    Raises:
        KeysInvalid: They cannot be used.
    """
    connection = Connection.from_environment()
    return connection.keyring(), connection.accept_clear
