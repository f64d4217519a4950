"""The bookshop's own systems: orders, stock, refunds and mail, in one SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from pydantic import BaseModel

_TABLES = """
create table if not exists orders (id text primary key, customer text, title text, cents int, address text);
create table if not exists stock (title text primary key, copies int);
create table if not exists reservations (key text primary key, title text, copies int);
create table if not exists refunds (key text primary key, order_id text, cents int);
create table if not exists mails (customer text, subject text, body text);
insert or ignore into orders values
  ('B-1001', 'ann', 'The Left Hand of Darkness', 1290, '1 Hill Road'),
  ('B-1002', 'ann', 'Middlemarch', 990, '1 Hill Road'),
  ('B-2001', 'ben', 'Kindred', 1150, '9 Lake Street');
insert or ignore into stock values ('Kindred', 3), ('Middlemarch', 0);
"""


class Order(BaseModel):
    id: str
    title: str
    cents: int
    address: str


class Orders:
    """The database connection that all tools of a worker share.

    Writes take the key of their tool call; writing with the same key again changes nothing.
    """

    def __init__(self, db: aiosqlite.Connection, bank_seconds: float = 0.0) -> None:
        """``bank_seconds`` is how long the bank takes to answer."""
        self._db = db
        self._bank_seconds = bank_seconds

    async def of(self, customer: str) -> list[Order]:
        """The customer's orders."""
        rows = await self._db.execute_fetchall("select * from orders where customer = ?", (customer,))
        return [Order(id=id, title=title, cents=cents, address=at) for id, _, title, cents, at in rows]

    async def set_address(self, order: str, customer: str, address: str) -> bool:
        """Change an order's address; False if the customer has no such order."""
        sql = "update orders set address = ? where id = ? and customer = ?"
        return await self._write(sql, address, order, customer) > 0

    async def reserve(self, key: str, title: str, copies: int) -> bool:
        """Reserve copies of a title, or return them with a negative number; False if there are too few."""
        await self._write(
            "insert or ignore into reservations select ?1, title, ?3 from stock where title = ?2 and ?3 <="
            " copies - (select coalesce(sum(copies), 0) from reservations where title = ?2)",
            *(key, title, copies),
        )
        return await self._exists("reservations", key)

    async def refund(self, key: str, order: str, cents: int) -> str:
        """Refund an order and return the receipt."""
        await self._write("insert or ignore into refunds values (?, ?, ?)", key, order, cents)
        await asyncio.sleep(self._bank_seconds)
        return f"R-{key[-6:]}"

    async def receipt(self, key: str) -> str | None:
        """The receipt of the refund with this key; None if there was no such refund."""
        return f"R-{key[-6:]}" if await self._exists("refunds", key) else None

    async def mail(self, customer: str, subject: str, body: str) -> None:
        """Send an e-mail."""
        await self._write("insert into mails values (?, ?, ?)", customer, subject, body)

    async def _write(self, sql: str, *values: object) -> int:
        cursor = await self._db.execute(sql, values)
        await self._db.commit()
        return cursor.rowcount

    async def _exists(self, table: str, key: str) -> bool:
        rows = await self._db.execute_fetchall(f"select 1 from {table} where key = ?", (key,))
        return bool(list(rows))


@asynccontextmanager
async def open_orders(path: Path, bank_seconds: float = 0.0) -> AsyncGenerator[Orders]:
    """Open the database, and close it after the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    async with aiosqlite.connect(path) as db:
        await db.executescript(_TABLES)
        yield Orders(db, bank_seconds)
