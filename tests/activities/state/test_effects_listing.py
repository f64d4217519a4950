"""Finding effects among very many, on both databases."""

from sqlalchemy import text

from holdfast_activities.state import upgrade
from holdfast_activities.state.coordination.effects import listing
from holdfast_activities.state.setup.engines import make_engine
from holdfast_activities.state.setup.location import SqliteLocation, locate

_MANY = 5_000

_SETTLED = """INSERT INTO holdfast_effect (key, session, seq, turn, agent, tenant, tool, effect, status,
        arguments, result, by, claimed, settled, token)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)
    SELECT 'k' || i, 's' || i, 1, 1, 'a', '', 't', 'once', CASE WHEN i % 1000 = 0 THEN 'unknown' ELSE 'settled' END,
        '', '', '', 0, 0, '' FROM n"""


async def plan(url: str, status: str) -> str:
    """How the database would list effects."""
    location = locate(url)
    explain = "EXPLAIN QUERY PLAN" if isinstance(location, SqliteLocation) else "EXPLAIN"
    question = listing("", status, 500).compile()
    engine = make_engine(location)
    async with engine.begin() as connection:
        await connection.execute(text(_SETTLED), {"many": _MANY})
        await connection.exec_driver_sql("ANALYZE")
        rows = await connection.execute(text(f"{explain} {question}"), question.params)
        found = "\n".join(str(row[-1]) for row in rows)
    await engine.dispose()
    return found


async def test_unsettled_effects_are_found_by_index(empty_url: str) -> None:
    await upgrade(empty_url)
    found = await plan(empty_url, "unknown")
    assert "ix_holdfast_effect_unsettled" in found
    for reads_all in ("Seq Scan", "SCAN holdfast_effect\n", "Sort", "TEMP B-TREE"):
        assert reads_all not in f"{found}\n"
