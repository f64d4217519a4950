"""An external ledger process, in whose file tools record their effects.

``python -m tests.chaos.ledger PORT FILE``. POST records an attempt, books the effect unless its
key is booked, and answers with a delay, so that workers die before, between and after. GET
returns whether a key is booked. It shares no code with Holdfast.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY, key TEXT, what TEXT, at REAL, delivered INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, what TEXT, at REAL);
"""
_SLOWEST = 0.3  # seconds before the booking, and again after it


class Book:
    """The server's side."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_TABLES}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; the caller may be killed at any byte."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if head.startswith("GET"):
                found = self._booked(head.split()[1].lstrip("/"))
                _answer(writer, f"receipt of {found}" if found else "", 200 if found else 404)
            else:
                length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
                await self._book(json.loads(await reader.readexactly(length)), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _book(
        self, order: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        now, key, what = time.time(), order["key"], order["what"]
        pace = random.Random(what)
        row = self._db.execute("INSERT INTO attempts (key, what, at) VALUES (?, ?, ?)", (key, what, now))
        await asyncio.sleep(pace.uniform(0, _SLOWEST))
        self._db.execute("INSERT OR IGNORE INTO effects VALUES (?, ?, ?)", (key, what, time.time()))
        await asyncio.sleep(pace.uniform(0, _SLOWEST))
        # The kernel closes the connection of a killed caller: the answer is lost.
        if not reader.at_eof():
            self._db.execute("UPDATE attempts SET delivered = 1 WHERE id = ?", (row.lastrowid,))
            _answer(writer, f"receipt of {what}", 200)

    def _booked(self, key: str) -> str:
        row = self._db.execute("SELECT what FROM effects WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""


def _answer(writer: asyncio.StreamWriter, text: str, status: int) -> None:
    body = text.encode()
    writer.write(b"HTTP/1.1 %d Status\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))


def booked(url: str, key: str) -> str | None:
    """The receipt of a key, None if it is not booked."""
    try:
        with urllib.request.urlopen(f"{url}/{key}", timeout=20) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        error.close()
        return None


@dataclass(frozen=True)
class Account:
    """The content of the ledger at the end.

    Attributes:
        attempts: How often each effect was requested.
        keys: Number of keys each effect is booked under; more than one is a repeated effect.
        undelivered: How often the answer about each effect was lost.
    """

    attempts: Counter[str]
    keys: Counter[str]
    undelivered: Counter[str]


def account(path: Path) -> Account:
    """Read the ledger's file."""
    with closing(sqlite3.connect(path)) as db:
        attempts: Counter[str] = Counter(row[0] for row in db.execute("SELECT what FROM attempts"))
        keys: Counter[str] = Counter(row[0] for row in db.execute("SELECT what FROM effects"))
        lost = db.execute("SELECT what FROM attempts WHERE delivered = 0")
        undelivered: Counter[str] = Counter(row[0] for row in lost)
    return Account(attempts, keys, undelivered)


async def _main(port: int, path: Path) -> None:
    server = await asyncio.start_server(Book(path).serve, "127.0.0.1", port, backlog=1_000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), Path(sys.argv[2])))
