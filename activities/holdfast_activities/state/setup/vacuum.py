"""Releasing storage that removed rows have left, in steps that block no writer for long."""

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from .engines import unavailable
from .tables import METADATA

_PAGES = 500
"""Pages of a SQLite file in one step, which takes milliseconds."""

_PAUSE = 0.01
"""Seconds between steps, in which others write."""

_LONGEST = 1_500.0
"""Seconds for one table of PostgreSQL, whose writers are not blocked."""


async def vacuum(engine: AsyncEngine) -> int:
    """Release storage and update the planner's statistics; return the bytes by which a SQLite file shrank."""
    with unavailable():
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            if engine.dialect.name == "postgresql":
                for table in METADATA.sorted_tables:
                    # Warns, and does nothing, for a table of another owner.
                    await driver.execute(f'VACUUM (ANALYZE) "{table.name}"', timeout=_LONGEST)
                return 0
            return await _sqlite(driver)


async def _sqlite(driver: Any) -> int:
    [[size]] = await driver.execute_fetchall("PRAGMA page_size")
    [[free]] = first = await driver.execute_fetchall("PRAGMA freelist_count")
    before = -1
    while free not in {0, before}:  # it stays the same in a file without incremental vacuum
        # Fetched, since each row of the result is a step.
        await driver.execute_fetchall(f"PRAGMA incremental_vacuum({_PAGES})")
        await asyncio.sleep(_PAUSE)
        before = free
        [[free]] = await driver.execute_fetchall("PRAGMA freelist_count")
    await driver.execute_fetchall("PRAGMA optimize")
    await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    released: int = (first[0][0] - free) * size
    return max(0, released)
