"""Get, list and count records, within a transaction."""

from collections.abc import Iterable, Sequence

from holdfast_activities.state.encryption.cipher import CLEAR, Cipher
from holdfast_workflows.contracts.text.unicode import clean

from ...base import Counts, Filter, Record
from ..connection import Connection, Work, marks, portions
from .rows import COLUMNS, condition, decode
from .tenants import Tenant

_GET = f"""SELECT {COLUMNS}, value FROM records LEFT JOIN vectors USING (number)
    WHERE tenant = ? AND id IN"""  # noqa: S608 - fixed names
_LIST = f"SELECT {COLUMNS} FROM records WHERE tenant = ? AND id > ? AND"  # noqa: S608 - fixed names
_AROUND = f"""
    SELECT DISTINCT {COLUMNS} FROM asked CROSS JOIN records
    WHERE tenant = ? AND session = asked.name AND place BETWEEN asked.low AND asked.high AND kind = 'turn'
    ORDER BY session, place, id"""  # noqa: S608 - fixed names
_KINDS = "SELECT kind, count(*), count(nullif(superseded_by, '')) FROM records GROUP BY kind"


def get(connection: Connection, tenant: Tenant, ids: Iterable[str], cipher: Cipher = CLEAR) -> list[Record]:
    """Return records by id, with their vectors."""
    keys = list(ids)
    found = {
        row[0]: row
        for some in portions(dict.fromkeys(keys))
        for row in connection.execute(f"{_GET} ({marks(some)})", (tenant.number, *some))
    }
    return [
        decode(row[:-1], None if row[-1] is None else cipher.unseal(row[-1]))
        for row in (found[id] for id in keys if id in found)
    ]


def page(connection: Connection, tenant: Tenant, wanted: Filter, after: str, limit: int) -> list[Record]:
    """Return records in id order."""
    where, values = condition(wanted)
    rows = connection.execute(
        f"{_LIST} {where} ORDER BY id LIMIT ?", (tenant.number, clean(after), *values, max(0, limit))
    )
    return [decode(row) for row in rows]


def around(
    connection: Connection, tenant: Tenant, places: Sequence[tuple[str, int]], reach: int
) -> list[Record]:
    """Return the turns near places of sessions."""
    found: dict[str, Record] = {}
    for some in portions(dict.fromkeys(places)):
        asked = marks(some, "(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT))")
        values = [
            value for session, place in some for value in (clean(session), place - reach, place + reach)
        ]
        rows = connection.execute(
            f"WITH asked (name, low, high) AS (VALUES {asked}) {_AROUND}", (*values, tenant.number)
        )
        found.update((record.id, record) for record in map(decode, rows))
    return list(found.values())


def matching(connection: Connection, tenant: Tenant, wanted: Filter) -> list[tuple[int, str]]:
    """Return the numbers and words of the records that match a filter."""
    where, values = condition(wanted)
    rows = connection.execute(
        f"SELECT number, words FROM records WHERE tenant = ? AND {where}",  # noqa: S608 - fixed text
        (tenant.number, *values),
    )
    return [(number, words) for number, words in rows]


def count_texts(connection: Connection, prefix: str) -> int:
    """Count the records of all tenants whose text begins with a prefix."""
    [count] = connection.execute(
        "SELECT count(*) FROM records WHERE substr(text, 1, CAST(? AS INTEGER)) = ?", (len(prefix), prefix)
    ).fetchone()
    return int(count)


def tenant_names(connection: Connection) -> list[str]:
    """Return the tenants that have records, sorted."""
    return [row[0] for row in connection.execute("SELECT name FROM tenants WHERE records > 0 ORDER BY name")]


def counts(connection: Connection, size: Work[int]) -> Counts:
    """Count the records of all tenants."""
    kinds = {kind: (found, superseded) for kind, found, superseded in connection.execute(_KINDS)}
    return Counts(
        tenants=len(tenant_names(connection)),
        turns=kinds.get("turn", (0, 0))[0],
        episodes=kinds.get("episode", (0, 0))[0],
        facts=kinds.get("fact", (0, 0))[0],
        superseded=sum(superseded for _, superseded in kinds.values()),
        bytes=size(connection),
    )
