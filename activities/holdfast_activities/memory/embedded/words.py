"""The inverted index, and BM25 computed per tenant as if it were alone in the database."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from holdfast_workflows.contracts.text.unicode import clean

from ..base import Filter
from .connection import Connection, marks, portions
from .records.rows import condition
from .records.tenants import Tenant

K1 = 1.2
B = 0.75

_COUNTS = "SELECT term, count(*) FROM postings WHERE tenant = ? AND term IN"

# CROSS JOIN keeps SQLite from beginning with the postings, and a subquery for each record keeps PostgreSQL from
# beginning with the records. Scores are computed in one statement, which releases the interpreter's lock.
_BEST = """
    WITH query (wanted, weight) AS (VALUES {query})
    SELECT number, score FROM (
        SELECT number, score, (SELECT id FROM records WHERE records.number = scores.number AND {where}) AS id
        FROM (
            SELECT number,
                sum(weight * often * {more} / (often + {k1} * ({rest} + length * {b} / CAST(? AS DOUBLE PRECISION)))) AS score
            FROM query CROSS JOIN postings WHERE postings.tenant = ? AND postings.term = query.wanted
            GROUP BY number) AS scores) AS found
    WHERE id IS NOT NULL ORDER BY score DESC, id LIMIT ?"""


def terms(words: str) -> list[str]:
    """Split a record's words into terms."""
    return [term for term in words.split(" ") if term]


def index(connection: Connection, tenant: Tenant, documents: Iterable[tuple[int, str]]) -> None:
    """Index the words of records, by number."""
    rows: list[tuple[int, str, int, int, int]] = []
    for number, words in documents:
        found = terms(words)
        tenant.documents += bool(found)
        tenant.length += len(found)
        rows += ((tenant.number, term, number, often, len(found)) for term, often in Counter(found).items())
    # In table order, so that a batch touches each page once.
    rows.sort()
    connection.executemany("INSERT INTO postings VALUES (?, ?, ?, ?, ?)", rows)


def remove(connection: Connection, tenant: Tenant, documents: Iterable[tuple[int, str]]) -> None:
    """Remove the words of records from the index."""
    rows: list[tuple[int, str, int]] = []
    for number, words in documents:
        found = terms(words)
        tenant.documents -= bool(found)
        tenant.length -= len(found)
        rows += ((tenant.number, term, number) for term in set(found))
    rows.sort()
    connection.executemany("DELETE FROM postings WHERE tenant = ? AND term = ? AND number = ?", rows)


def best(
    connection: Connection, tenant: Tenant, wanted: Filter, query: Sequence[str], limit: int
) -> list[tuple[int, float]]:
    """Return the numbers of the records with any of the terms and their scores, best first."""
    weights = list(_weights(connection, tenant, query))
    if not weights:
        return []
    where, values = condition(wanted)
    query_values = [value for pair in weights for value in pair]
    statement = _BEST.format(
        more=K1 + 1,
        k1=K1,
        rest=1 - B,
        b=B,
        query=marks(weights, "(CAST(? AS TEXT), CAST(? AS DOUBLE PRECISION))"),
        where=where,
    )
    found = connection.execute(
        statement,
        (*query_values, *values, tenant.length / tenant.documents, tenant.number, max(0, limit)),
    )
    return [(number, score) for number, score in found]


def _weights(connection: Connection, tenant: Tenant, query: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield each term's inverse document frequency within the tenant."""
    different = list(dict.fromkeys(map(clean, query)))
    found = {
        term: count
        for some in portions(different)
        for term, count in connection.execute(
            f"{_COUNTS} ({marks(some)}) GROUP BY term", (tenant.number, *some)
        )
    }
    for term in different:
        if term in found:
            yield term, math.log(1 + (tenant.documents - found[term] + 0.5) / (found[term] + 0.5))
