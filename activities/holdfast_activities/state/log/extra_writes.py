"""Extras of a log write as statements, the same for both databases.

``write`` is a generator: it yields statements, and the log that runs them sends their rows back. SQL has
PostgreSQL's placeholders. ``items($1)`` is a list of JSON arrays, and ``@0`` the first item of each.
"""

import functools
import json
import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import add
from typing import Any

from holdfast_activities import clock
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.manifests import Manifest
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from ..audit.appending import Sign, append
from ..audit.chain import Record, encode
from ..audit.effects import effect_record
from ..coordination.charging import NOTHING, Balance, Balances, check, grant
from ..encryption.cipher import CLEAR, Cipher
from .extras import CachedReplyRow, Charge, Charged, CostOwner, LogExtras, ModelCost
from .rows import identifier

Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL and its parameters, once for each execution. Only a statement that is executed once returns rows."""

CostKey = tuple[str, int, str, str, str]
"""Session, hour, agent, model and tool."""

CostRow = tuple[CostKey, tuple[str, str], tuple[int, ...]]
"""The key, tenant and app, and the counts to add."""

Statements = Generator[Statement, Iterable[Any], list[Charged]]

UNDO = ("undoing", "undone", "undo_failed")
"""The statuses of an effect's undoing."""

FACTS = ("settled", *UNDO)
"""Statuses that change only to those of ``UNDO``; ``undone`` never changes."""

_COLUMNS = tuple(EffectView.model_fields)

EFFECT_CONTENT = ("arguments", "result")
"""The columns of an effect that are encrypted."""

_CAST = {"seq": "bigint", "turn": "bigint", "claimed": "double precision", "settled": "double precision"}

_EFFECT = f"""INSERT INTO holdfast_effect ({", ".join(f'"{name}"' for name in _COLUMNS)}, token)
    SELECT {", ".join(f"CAST(@{n} AS {_CAST.get(name, 'text')})" for n, name in enumerate(_COLUMNS))}, ''
    FROM items($1) WHERE true
    ON CONFLICT (key) DO UPDATE SET {", ".join(f'"{name}" = excluded."{name}"' for name in _COLUMNS[1:])}
    WHERE holdfast_effect.status NOT IN {FACTS}
        OR (holdfast_effect.status <> 'undone' AND excluded.status IN {UNDO})
    RETURNING key, status"""  # noqa: S608 - constants

_REPLY = """INSERT INTO holdfast_cachedreply (digest, body, at) VALUES ($1, $2, $3)
    ON CONFLICT (digest) DO UPDATE SET body = excluded.body, at = excluded.at"""

_MANIFEST = """INSERT INTO holdfast_manifest (session, seq, body, at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (session, seq) DO UPDATE SET body = excluded.body, at = excluded.at"""

_SPEND = """INSERT INTO holdfast_account (account, tokens, micros, tokens_limit, micros_limit)
    SELECT @0, CAST(@1 AS bigint), CAST(@2 AS bigint), CAST(@3 AS bigint), CAST(@4 AS bigint)
    FROM items($1) WHERE true
    ON CONFLICT (account) DO UPDATE SET tokens = holdfast_account.tokens + excluded.tokens,
        micros = holdfast_account.micros + excluded.micros,
        tokens_limit = excluded.tokens_limit, micros_limit = excluded.micros_limit
    RETURNING account, tokens, micros"""

# The reservations of others on each account, and the first time at which one of those expires. A separate
# statement, to see what was committed while the one above waited for its rows.
_RESERVED = """SELECT account, min(until),
        CAST(coalesce(sum(tokens) FILTER (WHERE until > $2), 0) AS bigint),
        CAST(coalesce(sum(micros) FILTER (WHERE until > $2), 0) AS bigint)
    FROM holdfast_reservation WHERE account IN (SELECT @0 FROM items($1))
        AND (account, holder) NOT IN (SELECT @0, @1 FROM items($1))
    GROUP BY account"""

_RESERVE = """INSERT INTO holdfast_reservation (account, holder, tokens, micros, until)
    SELECT @0, @1, CAST(@2 AS bigint), CAST(@3 AS bigint), CAST(@4 AS double precision)
    FROM items($1) WHERE true
    ON CONFLICT (account, holder) DO UPDATE SET
        tokens = excluded.tokens, micros = excluded.micros, until = excluded.until"""

_COUNTS = tuple(field.name for field in fields(ModelCost) if field.name not in {"model", "tool"})

_COST = f"""INSERT INTO holdfast_cost
        (session, hour, agent, model, tool, tenant, app, {", ".join(_COUNTS)}, "user")
    SELECT @0, CAST(@1 AS bigint), @2, @3, @4, @5, @6,
        {", ".join(f"CAST(@{n} AS bigint)" for n in range(7, 7 + len(_COUNTS)))},
        coalesce((SELECT "user" FROM holdfast_session WHERE session = @0), '')
    FROM items($1) WHERE true
    ON CONFLICT (session, hour, agent, model, tool) DO UPDATE SET
        {", ".join(f"{name} = holdfast_cost.{name} + excluded.{name}" for name in _COUNTS)}"""  # noqa: S608 - constants

HOUR = 3_600
"""Seconds of an hour; costs are summed by hour."""

_RELEASE = "DELETE FROM holdfast_reservation WHERE (account, holder) IN (SELECT @0, @1 FROM items($1))"

_REMOVE_EXPIRED = (
    "DELETE FROM holdfast_reservation WHERE account IN (SELECT @0 FROM items($1)) AND until <= $2"
)


@functools.cache
def for_sqlite(sql: str) -> str:
    """A statement in SQLite's SQL."""
    sql = sql.replace("items($1)", "json_each(?1)").replace("$", "?")
    return re.sub(r"@(\d+)", r"json_extract(value, '$[\1]')", sql)


@functools.cache
def for_postgres(sql: str) -> str:
    """A statement in PostgreSQL's SQL."""
    sql = sql.replace("items($1)", "json_array_elements($1::json) AS items (value)")
    return re.sub(r"@(\d+)", r"(value ->> \1)", sql)


def for_driver(sql: str, dialect: str) -> str:
    """A statement in the SQL of SQLAlchemy's ``sqlite`` or ``postgresql`` dialect."""
    return (for_postgres if dialect == "postgresql" else for_sqlite)(sql)


@dataclass(frozen=True, slots=True)
class ExtraRows:
    """Extras ready to be written; ``effects`` are sorted by key.

    ``outcomes`` are the audit records of effects, by key and status; each is written if its effect is.
    """

    charge: Charge | None
    costs: list[CostRow]
    effects: list[tuple[Any, ...]]
    reply: tuple[str, str, float] | None
    manifest: tuple[str, int, str, float] | None
    audit: list[Record]
    outcomes: dict[tuple[str, str], Record]


def effect_values(effect: EffectView, cipher: Cipher = CLEAR) -> dict[str, Any]:
    """The values of an effect's columns; BadInput if its key or session cannot be a key."""
    identifier(effect.key)
    identifier(effect.session)
    found = {name: getattr(effect, name) for name in _COLUMNS}
    values = {name: clean(value) if isinstance(value, str) else value for name, value in found.items()}
    for name in EFFECT_CONTENT:
        values[name] = cipher.encrypt(values[name], f"effect.{name}", effect.key)
    return values


def prepare(extras: LogExtras, cipher: Cipher = CLEAR) -> ExtraRows:
    """Convert extras to rows; BadInput if an amount or time is out of range, or a name cannot be a key.

    Validated here, because on SQLite a row that the database refuses would fail the other callers'
    transaction too.
    """
    charge, reply, manifest = extras.charge, extras.cached, extras.manifest
    if charge is not None:
        check(charge)
    outcomes = (effect_record(effect, clock.now()) for effect in extras.effects)
    return ExtraRows(
        charge if charge is not None and charge.accounts else None,
        [] if charge is None or charge.owner is None else _costs(charge.owner, charge.costs),
        sorted(tuple(effect_values(effect, cipher).values()) for effect in extras.effects),
        None if reply is None else _reply(reply, cipher),
        None if manifest is None else _manifest(manifest, cipher),
        [encode(record) for record in extras.audit],
        {(record.subject, record.action): encode(record) for record in outcomes if record is not None},
    )


def _reply(reply: CachedReplyRow, cipher: Cipher) -> tuple[str, str, float]:
    body = cipher.encrypt(clean(reply.body), "cachedreply.body", identifier(reply.digest))
    return reply.digest, body, reply.at


def _manifest(manifest: Manifest, cipher: Cipher) -> tuple[str, int, str, float]:
    # Without defaults, which most items have: every prompt stores one of these.
    body = dump_json(manifest.model_dump(exclude_defaults=True))
    encrypted = cipher.encrypt(body, "manifest.body", identifier(manifest.session), manifest.seq)
    return manifest.session, manifest.seq, encrypted, manifest.at


def write(extras: Sequence[ExtraRows], sign: Sign | None = None) -> Statements:
    """The statements of several writes in one transaction; returns the outcome of each charge.

    Accounts come last, ordered by name: charges wait for their rows, so these are locked briefly and
    without deadlocks. The heads of audit chains come before them, ordered by tenant, and before these
    the sums of costs, which only writers of the same session share.
    """
    audit = [record for each in extras for record in each.audit]
    effects = [row for each in extras for row in each.effects]
    if effects:
        written = {(key, status) for key, status in (yield _EFFECT, [[_json(effects)]])}
        outcomes = (item for each in extras for item in each.outcomes.items())
        audit += [record for outcome, record in outcomes if outcome in written]
    for sql, rows in (
        (_REPLY, [each.reply for each in extras if each.reply]),
        (_MANIFEST, [each.manifest for each in extras if each.manifest]),
    ):
        if rows:
            yield sql, rows
    if costs := _summed(row for each in extras for row in each.costs):
        yield _COST, [[_json(costs)]]
    if audit:
        yield from append(audit, sign)
    charges = [each.charge for each in extras if each.charge]
    charged = iter((yield from _charge(charges)) if charges else ())
    return [next(charged) if each.charge else Charged() for each in extras]


def _costs(owner: CostOwner, costs: Sequence[ModelCost]) -> list[CostRow]:
    session, agent, tenant = identifier(owner.session), clean(owner.agent), clean(owner.tenant)
    hour = int(clock.now() // HOUR)
    return [
        (
            (session, hour, agent, clean(cost.model), clean(cost.tool)),
            (tenant, owner.app),
            tuple(getattr(cost, name) for name in _COUNTS),
        )
        for cost in costs
    ]


def _summed(rows: Iterable[CostRow]) -> list[list[Any]]:
    """One row for each key, ordered: a statement cannot change a row twice."""
    found: dict[CostKey, CostRow] = {}
    for key, owner, counts in rows:
        before = found.get(key)
        found[key] = key, owner, tuple(map(add, before[2], counts)) if before else counts
    return [[*key, *owner, *counts] for key, owner, counts in (found[key] for key in sorted(found))]


def _charge(charges: Sequence[Charge]) -> Statements:
    """Make all charges by a few common statements: SQLite releases the interpreter's lock for each one.

    All spending is added first, then the reservations are renewed in order.
    """
    spent = [
        (account, charge.spent.tokens, charge.spent.micros, limit.tokens, limit.micros)
        for charge in charges
        for account, limit in charge.accounts.items()
    ]
    found = yield _SPEND, [[_json(sorted(spent, key=lambda row: row[0]))]]
    balances: Balances = {account: Balance(tokens, micros) for account, tokens, micros in found}
    before = sorted({(account, charge.holder) for charge in charges for account in charge.accounts})
    now = clock.now()
    expired: list[tuple[str]] = []
    if any(charge.reservation != NOTHING for charge in charges):
        for account, first, tokens, micros in (yield _RESERVED, [[_json(before), now]]):
            balances[account].held_tokens, balances[account].held_micros = tokens, micros
            if first <= now:
                expired.append((account,))
    outcomes, granted = grant(charges, balances)
    reserved = [
        (account, charge.holder, charge.reservation.tokens, charge.reservation.micros, charge.until)
        for charge in granted
        for account in charge.accounts
    ]
    renewed = {row[:2] for row in reserved}
    if released := [pair for pair in before if pair not in renewed]:
        yield _RELEASE, [[_json(released)]]
    if reserved:
        yield _RESERVE, [[_json(reserved)]]
    if expired:
        yield _REMOVE_EXPIRED, [[_json(expired), now]]
    return outcomes


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
