"""Extras in SQLite: on the log's thread, in the log's transaction.

The charges of all jobs in a transaction are made by a few common statements, because each statement
releases the interpreter's lock, which a busy event loop may hold for a while. All spending is added first,
then all reservations are renewed in the order of the jobs.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from holdfast_activities import clock

from ..coordination.charging import NOTHING, Balance, Balances, grant, release
from .extra_rows import UPSERT_EFFECT, UPSERT_MANIFEST, UPSERT_REPLY, ExtraRows
from .extras import Charge, Charged

# SQLite's numbered placeholders start with a question mark.
_UPSERT_EFFECT = UPSERT_EFFECT.replace("$", "?")
_UPSERT_REPLY = UPSERT_REPLY.replace("$", "?")
_UPSERT_MANIFEST = UPSERT_MANIFEST.replace("$", "?")

_UNCHARGED = Charged()

_SPEND = """INSERT INTO holdfast_account (account, tokens, micros, tokens_limit, micros_limit)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]'), json_extract(value, '$[4]')
    FROM json_each(?) WHERE true
    ON CONFLICT (account) DO UPDATE SET tokens = tokens + excluded.tokens, micros = micros + excluded.micros,
        tokens_limit = excluded.tokens_limit, micros_limit = excluded.micros_limit"""

# For each account: spending, others' reservations, and the first time at which one of those expires.
_STANDING = """SELECT a.account, a.tokens, a.micros, min(h.until),
        coalesce(sum(h.tokens) FILTER (WHERE h.until > ?2), 0),
        coalesce(sum(h.micros) FILTER (WHERE h.until > ?2), 0)
    FROM holdfast_account AS a LEFT JOIN holdfast_reservation AS h ON h.account = a.account
        AND (h.account, h.holder) NOT IN
            (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?1))
    WHERE a.account IN (SELECT json_extract(value, '$[0]') FROM json_each(?1))
    GROUP BY a.account"""

_RESERVE = """INSERT INTO holdfast_reservation (account, holder, tokens, micros, until)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]'), json_extract(value, '$[4]')
    FROM json_each(?) WHERE true
    ON CONFLICT (account, holder) DO UPDATE SET
        tokens = excluded.tokens, micros = excluded.micros, until = excluded.until"""

_RELEASE = """DELETE FROM holdfast_reservation WHERE (account, holder) IN
    (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"""

_LAPSE = "DELETE FROM holdfast_reservation WHERE account IN (SELECT value FROM json_each(?)) AND until <= ?"


def write_extras(connection: sqlite3.Connection, extras: Sequence[ExtraRows]) -> list[Charged]:
    """Write the extras of several jobs within a transaction; return the outcomes of their charges."""
    effects = [row for each in extras for row in each.effects]
    if effects:
        connection.executemany(_UPSERT_EFFECT, effects)
    replies = [each.reply for each in extras if each.reply is not None]
    if replies:
        connection.executemany(_UPSERT_REPLY, replies)
    manifests = [each.manifest for each in extras if each.manifest is not None]
    if manifests:
        connection.executemany(_UPSERT_MANIFEST, manifests)
    charges = [each.charge for each in extras if each.charge is not None]
    charged = iter(_charge(connection, charges) if charges else ())
    return [_UNCHARGED if each.charge is None else next(charged) for each in extras]


def _charge(connection: sqlite3.Connection, charges: list[Charge]) -> list[Charged]:
    connection.execute(_SPEND, (_json(_spendings(charges)),))
    now = clock.now()
    balances: Balances = {}
    lapsed: list[str] = []
    own = [(account, charge.holder) for charge in charges for account in charge.accounts]
    for account, tokens, micros, lapses, held_tokens, held_micros in connection.execute(
        _STANDING, (_json(own), now)
    ):
        balances[account] = Balance(tokens, micros, held_tokens, held_micros)
        if lapses is not None and lapses <= now:
            lapsed.append(account)
    outcomes, granted = _grant(charges, balances)
    held = [
        (account, charge.holder, charge.reservation.tokens, charge.reservation.micros, charge.until)
        for charge in granted.values()
        for account in charge.accounts
    ]
    gone = set(own) - {(account, holder) for account, holder, *_ in held}
    if gone:
        connection.execute(_RELEASE, (_json(sorted(gone)),))
    if held:
        connection.execute(_RESERVE, (_json(held),))
    if lapsed:
        connection.execute(_LAPSE, (_json(lapsed), now))
    return outcomes


def _spendings(charges: list[Charge]) -> list[tuple[str, int, int, int | None, int | None]]:
    return [
        (account, charge.spent.tokens, charge.spent.micros, limit.tokens, limit.micros)
        for charge in charges
        for account, limit in charge.accounts.items()
    ]


def _grant(charges: list[Charge], balances: Balances) -> tuple[list[Charged], dict[str, Charge]]:
    """The outcome of each charge, and by holder the charge whose reservation is final."""
    outcomes: list[Charged] = []
    granted: dict[str, Charge] = {}
    for charge in charges:
        # A second charge of a holder in the same transaction replaces its first.
        before = granted.pop(charge.holder, None)
        if before is not None:
            release(before, balances)
        outcome = grant(charge, balances)
        if outcome.refused_by is None and charge.reservation != NOTHING:
            granted[charge.holder] = charge
        outcomes.append(outcome)
    return outcomes, granted


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
