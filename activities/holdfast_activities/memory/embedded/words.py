"""Which records have which terms, and BM25 over one tenant as if it were alone in the file."""

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from holdfast_workflows.contracts.text import clean

from ..base import Filter
from .rows import condition
from .tenants import Tenant

K1 = 1.2
B = 0.75

_COUNT = "SELECT count(*) FROM postings WHERE tenant = ? AND term = ?"

# CROSS JOIN keeps SQLite from beginning with the postings. Scores are made in one statement, since
# the interpreter's lock is free meanwhile.
_BEST = f"""
    WITH asked AS (SELECT json_extract(value, '$[0]') AS term, json_extract(value, '$[1]') AS weight
                   FROM json_each(?))
    SELECT number, score FROM (
        SELECT number, sum(weight * often * {K1 + 1} / (often + {K1} * ({1 - B} + {B} * length / ?))) AS score
        FROM asked CROSS JOIN postings ON postings.tenant = ? AND postings.term = asked.term
        GROUP BY number)
    JOIN records USING (number)
    WHERE """  # noqa: S608 - fixed text


def terms(words: str) -> list[str]:
    """The terms of a record's words."""
    return [term for term in words.split(" ") if term]


def index(connection: sqlite3.Connection, tenant: Tenant, documents: Iterable[tuple[int, str]]) -> None:
    """Add the words of records, by their numbers."""
    rows: list[tuple[int, str, int, int, int]] = []
    for number, words in documents:
        found = terms(words)
        tenant.documents += bool(found)
        tenant.length += len(found)
        rows += ((tenant.number, term, number, often, len(found)) for term, often in Counter(found).items())
    # In the order of the table, so that many at once touch each of its pages once.
    rows.sort()
    connection.executemany("INSERT INTO postings VALUES (?, ?, ?, ?, ?)", rows)


def remove(connection: sqlite3.Connection, tenant: Tenant, documents: Iterable[tuple[int, str]]) -> None:
    """Take the words of records out."""
    rows: list[tuple[int, str, int]] = []
    for number, words in documents:
        found = terms(words)
        tenant.documents -= bool(found)
        tenant.length -= len(found)
        rows += ((tenant.number, term, number) for term in set(found))
    rows.sort()
    connection.executemany("DELETE FROM postings WHERE tenant = ? AND term = ? AND number = ?", rows)


def best(
    connection: sqlite3.Connection, tenant: Tenant, wanted: Filter, asked: Sequence[str], limit: int
) -> list[tuple[int, float]]:
    """Numbers of the records with any of the terms, best first, with their scores."""
    weights = list(_weights(connection, tenant, asked))
    if not weights:
        return []
    where, values = condition(wanted)
    average = tenant.length / tenant.documents
    return connection.execute(
        f"{_BEST} {where} ORDER BY score DESC, id LIMIT ?",
        (json.dumps(weights), average, tenant.number, *values, max(0, limit)),
    ).fetchall()


def _weights(
    connection: sqlite3.Connection, tenant: Tenant, asked: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """How much each term tells: the fewer of the tenant's records have it, the more."""
    for term in dict.fromkeys(map(clean, asked)):
        [found] = connection.execute(_COUNT, (tenant.number, term)).fetchone()
        if found:
            yield term, math.log(1 + (tenant.documents - found + 0.5) / (found + 0.5))
