"""Vector search by the extension pgvector, in databases that have it; no process caches vectors then.

The column has the type ``halfvec``. Its values are exchanged as the same bytes as those of a plain column, so
all other statements are shared.
"""

from __future__ import annotations  # asyncpg's classes are generic to type checkers only

import struct
from typing import TypeAlias

import asyncpg
import numpy as np

from ...base import Filter, Vector
from ..connection import Connection
from ..records.rows import FLOAT16, condition
from ..records.tenants import Tenant

TYPE = "halfvec"

_HEAD = struct.Struct("!HH")

_SCHEMA = """SELECT quote_ident(nspname) AS quoted, nspname FROM pg_type
    JOIN pg_namespace ON pg_namespace.oid = typnamespace WHERE typname = 'halfvec' ORDER BY nspname"""

_NEAREST = """
    SELECT number, coalesce(nullif(1 - (value <=> CAST(? AS halfvec)), 'NaN'), 0) AS score
    FROM vectors JOIN records USING (number)
    WHERE number >= ? AND number < ? AND {where} ORDER BY score DESC, number LIMIT ?"""

Connected: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def register(connection: Connected, schema: str) -> None:
    """Register the type with a connection, if the database has it; ``schema`` stays first in the search path."""
    found = await connection.fetchrow(_SCHEMA)
    if found is not None:
        await connection.execute(f"SET search_path = {schema}, {found['quoted']}")
        await connection.set_type_codec(
            TYPE, schema=found["nspname"], encoder=_encode, decoder=_decode, format="binary"
        )


def is_installed(connection: Connection) -> bool:
    """Whether the database has the type."""
    return bool(connection.execute("SELECT to_regtype('halfvec') IS NOT NULL").fetchone()[0])


def nearest(
    connection: Connection, tenant: Tenant, vector: Vector, wanted: Filter, limit: int
) -> list[tuple[int, float]]:
    """Return the numbers of the nearest records with their cosines, best first. Exact: no index is used."""
    where, values = condition(wanted)
    value = vector.astype(FLOAT16).tobytes()
    return [
        (number, score)
        for number, score in connection.execute(
            _NEAREST.format(where=where), (value, *tenant.range(), *values, max(0, limit))
        )
    ]


def _encode(value: bytes) -> bytes:
    return _HEAD.pack(len(value) // 2, 0) + np.frombuffer(value, FLOAT16).byteswap().tobytes()


def _decode(data: bytes) -> bytes:
    return np.frombuffer(data, FLOAT16, offset=_HEAD.size).byteswap().tobytes()
