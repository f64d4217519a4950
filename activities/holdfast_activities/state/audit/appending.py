"""Append records to the chains of their tenants, as statements for both databases (``log.extra_writes``).

The head of each chain is locked first, in the order of tenants, so that writers of one tenant take turns and
writers of several do not deadlock.
"""

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Final

from .chain import FIRST, Record, digest

Statements = Generator[tuple[str, Sequence[Sequence[Any]]], Iterable[Any], None]

Sign = Callable[[str, int, str], tuple[str, str]]
"""Signs the head of a chain, given as tenant, number and hash; returns the key's id and the signature."""

# Changes nothing but locks the heads.
_LOCK: Final = """INSERT INTO holdfast_audithead (tenant, n, hash, key, signature, exported)
    SELECT @0, 0, '', '', '', 0 FROM items($1) WHERE true
    ON CONFLICT (tenant) DO UPDATE SET n = holdfast_audithead.n RETURNING tenant, n, hash"""

# A separate statement, to see what was committed while the one above waited.
_KNOWN: Final = "SELECT tenant, id FROM holdfast_audit WHERE (tenant, id) IN (SELECT @0, @1 FROM items($1))"

_APPEND: Final = """INSERT INTO holdfast_audit (tenant, n, id, kind, session, principal, at, body, hash)
    SELECT @0, CAST(@1 AS bigint), @2, @3, @4, @5, CAST(@6 AS double precision), @7, @8
    FROM items($1) WHERE true"""

_MOVE: Final = """INSERT INTO holdfast_audithead (tenant, n, hash, key, signature, exported)
    SELECT @0, CAST(@1 AS bigint), @2, @3, @4, 0 FROM items($1) WHERE true
    ON CONFLICT (tenant) DO UPDATE SET
        n = excluded.n, hash = excluded.hash, key = excluded.key, signature = excluded.signature"""


def append(records: Iterable[Record], sign: Sign | None) -> Statements:
    """Append records that the chains do not have yet; a record is known by its tenant and id."""
    new = {(record.tenant, record.id): record for record in records}
    tenants = sorted({tenant for tenant, _ in new})
    heads: dict[str, tuple[int, str]] = {}
    for tenant, n, last in (yield _LOCK, [[_json([[tenant] for tenant in tenants])]]):
        heads[tenant] = n, last or FIRST
    for tenant, id in (yield _KNOWN, [[_json(list(new))]]):
        del new[tenant, id]
    rows: list[tuple[Any, ...]] = []
    for record in new.values():
        n, previous = heads[record.tenant]
        heads[record.tenant] = n + 1, digest(n + 1, previous, record.body)
        known_by = (record.id, record.kind, record.session, record.principal, record.at)
        rows.append((record.tenant, n + 1, *known_by, record.body, heads[record.tenant][1]))
    if rows:
        yield _APPEND, [[_json(rows)]]
        moved = [(tenant, *heads[tenant]) for tenant in sorted({row[0] for row in rows})]
        yield _MOVE, [[_json([(*head, *(sign(*head) if sign else ("", ""))) for head in moved])]]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
