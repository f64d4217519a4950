"""Getting, listing and counting records, within a transaction."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from holdfast_workflows.contracts.text import clean

from ..base import Counts, Filter, Record
from .rows import COLUMNS, condition, decode
from .tenants import Tenant

_GET = f"""SELECT {COLUMNS}, value FROM records LEFT JOIN vectors USING (number)
    WHERE tenant = ? AND id = ?"""  # noqa: S608 - fixed names
_LIST = f"SELECT {COLUMNS} FROM records WHERE tenant = ? AND id > ? AND"  # noqa: S608 - fixed names
_AROUND = f"""
    WITH asked AS (SELECT json_extract(value, '$[0]') AS name, json_extract(value, '$[1]') AS first,
                          json_extract(value, '$[2]') AS last FROM json_each(?))
    SELECT DISTINCT {COLUMNS} FROM asked CROSS JOIN records
    WHERE tenant = ? AND session = name AND place BETWEEN first AND last AND kind = 'turn'
    ORDER BY session, place, id"""  # noqa: S608 - fixed names
_KINDS = "SELECT kind, count(*), count(nullif(superseded_by, '')) FROM records GROUP BY kind"


def get(connection: sqlite3.Connection, tenant: Tenant, ids: Iterable[str]) -> list[Record]:
    """Records by their ids, with their vectors."""
    rows = (connection.execute(_GET, (tenant.number, id)).fetchone() for id in ids)
    return [decode(row[:-1], row[-1]) for row in rows if row is not None]


def page(
    connection: sqlite3.Connection, tenant: Tenant, wanted: Filter, after: str, limit: int
) -> list[Record]:
    """Records in order of their ids."""
    where, values = condition(wanted)
    rows = connection.execute(
        f"{_LIST} {where} ORDER BY id LIMIT ?", (tenant.number, clean(after), *values, max(0, limit))
    )
    return [decode(row) for row in rows]


def around(
    connection: sqlite3.Connection, tenant: Tenant, places: Sequence[tuple[str, int]], reach: int
) -> list[Record]:
    """Turns near to places of sessions."""
    asked = json.dumps([(clean(session), place - reach, place + reach) for session, place in places])
    return [decode(row) for row in connection.execute(_AROUND, (asked, tenant.number))]


def meant(connection: sqlite3.Connection, tenant: Tenant, wanted: Filter) -> list[tuple[int, str]]:
    """Numbers and words of the records that a filter means."""
    where, values = condition(wanted)
    return connection.execute(
        f"SELECT number, words FROM records WHERE tenant = ? AND {where}",  # noqa: S608 - fixed text
        (tenant.number, *values),
    ).fetchall()


def tenant_names(connection: sqlite3.Connection) -> list[str]:
    """Those that hold anything, in order."""
    return [row[0] for row in connection.execute("SELECT name FROM tenants WHERE records > 0 ORDER BY name")]


def counts(connection: sqlite3.Connection) -> Counts:
    """How much there is."""
    kinds = {kind: (found, superseded) for kind, found, superseded in connection.execute(_KINDS)}
    return Counts(
        tenants=len(tenant_names(connection)),
        turns=kinds.get("turn", (0, 0))[0],
        episodes=kinds.get("episode", (0, 0))[0],
        facts=kinds.get("fact", (0, 0))[0],
        superseded=sum(superseded for _, superseded in kinds.values()),
        bytes=size(connection),
    )


def size(connection: sqlite3.Connection) -> int:
    """Bytes of the file, without its write-ahead log."""
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    [page_bytes] = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(page_bytes)


def tidy(connection: sqlite3.Connection) -> int:
    """Give pages that nothing uses back to the file system; how many bytes that were."""
    before = size(connection)
    # Each step of the statement gives back one page, and only a script is stepped to its end.
    connection.executescript("PRAGMA incremental_vacuum")
    checkpoint(connection)
    return before - size(connection)


def checkpoint(connection: sqlite3.Connection) -> None:
    """Bring the write-ahead log into the file, and empty it."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
