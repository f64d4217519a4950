"""Extras in PostgreSQL: on the log's connection, in the log's transaction.

Accounts come last, ordered by name: charges wait for their rows, so these are locked briefly and without
deadlocks.
"""

from __future__ import annotations  # asyncpg's classes are generic to type checkers only

from typing import TYPE_CHECKING

from holdfast_activities import clock

from ..coordination.charging import NOTHING, Balance, Balances, grant
from .extra_rows import UPSERT_EFFECT, UPSERT_MANIFEST, UPSERT_REPLY, ExtraRows
from .extras import Charge, Charged

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

_SPEND = """INSERT INTO holdfast_account AS a (account, tokens, micros, tokens_limit, micros_limit)
    SELECT account, $2, $3, tokens_limit, micros_limit
    FROM unnest($1::text[], $4::bigint[], $5::bigint[]) AS new (account, tokens_limit, micros_limit)
    ON CONFLICT (account) DO UPDATE SET tokens = a.tokens + excluded.tokens, micros = a.micros + excluded.micros,
        tokens_limit = excluded.tokens_limit, micros_limit = excluded.micros_limit
    RETURNING account, tokens, micros"""

# A separate statement, to see what was committed while the one above waited for its rows.
_RESERVED = """SELECT account, min(until) AS lapses,
        coalesce(sum(tokens) FILTER (WHERE until > $3), 0)::bigint AS tokens,
        coalesce(sum(micros) FILTER (WHERE until > $3), 0)::bigint AS micros
    FROM holdfast_reservation WHERE account = ANY($1::text[]) AND holder <> $2 GROUP BY account"""

_RESERVE = """INSERT INTO holdfast_reservation (account, holder, tokens, micros, until)
    SELECT account, $2, $3, $4, $5 FROM unnest($1::text[]) AS new (account)
    ON CONFLICT (account, holder) DO UPDATE SET
        tokens = excluded.tokens, micros = excluded.micros, until = excluded.until"""

_RELEASE = "DELETE FROM holdfast_reservation WHERE account = ANY($1::text[]) AND holder = $2"

_LAPSE = "DELETE FROM holdfast_reservation WHERE account = ANY($1::text[]) AND until <= $2"


async def write_extras(connection: PoolConnectionProxy[Record], extras: ExtraRows) -> Charged:
    """Write extras within a transaction; return the outcome of the charge."""
    if extras.effects:
        await connection.executemany(UPSERT_EFFECT, extras.effects)
    if extras.reply is not None:
        await connection.execute(UPSERT_REPLY, *extras.reply)
    if extras.manifest is not None:
        await connection.execute(UPSERT_MANIFEST, *extras.manifest)
    return Charged() if extras.charge is None else await _charge(connection, extras.charge)


async def _charge(connection: PoolConnectionProxy[Record], charge: Charge) -> Charged:
    names = sorted(charge.accounts)
    limits = [charge.accounts[name] for name in names]
    spent = await connection.fetch(
        _SPEND,
        names,
        charge.spent.tokens,
        charge.spent.micros,
        [limit.tokens for limit in limits],
        [limit.micros for limit in limits],
    )
    if charge.reservation == NOTHING:
        await connection.execute(_RELEASE, names, charge.holder)
        return Charged()
    balances: Balances = {row["account"]: Balance(row["tokens"], row["micros"]) for row in spent}
    now = clock.now()
    lapsed: list[str] = []
    for row in await connection.fetch(_RESERVED, names, charge.holder, now):
        balances[row["account"]].held_tokens = row["tokens"]
        balances[row["account"]].held_micros = row["micros"]
        if row["lapses"] <= now:
            lapsed.append(row["account"])
    outcome = grant(charge, balances)
    if outcome.refused_by is None:
        await connection.execute(
            _RESERVE, names, charge.holder, charge.reservation.tokens, charge.reservation.micros, charge.until
        )
    else:
        await connection.execute(_RELEASE, names, charge.holder)
    if lapsed:
        await connection.execute(_LAPSE, lapsed, now)
    return outcome
