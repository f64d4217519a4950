"""Faults of real databases: each begins and ends with its ``async with`` block."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from holdfast_activities.state import upgrade
from tests.postgres_server import PostgresServer

Trouble = Callable[..., AbstractAsyncContextManager[None]]

# SQLite: the argument is the file.


def _aside(suffix: str, *, instead: bool = False) -> Trouble:
    @asynccontextmanager
    async def trouble(file: Path) -> AsyncGenerator[None]:
        path = Path(f"{file}{suffix}")
        path.rename(f"{path}.aside")
        if instead:
            path.write_bytes(b"")
        yield
        Path(f"{path}.aside").replace(path)

    return trouble


@asynccontextmanager
async def no_room(file: Path) -> AsyncGenerator[None]:
    """No file may grow beyond the write-ahead log's size, as on a full disk or with a quota."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{file}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@asynccontextmanager
async def written_by_another(file: Path) -> AsyncGenerator[None]:
    """Another process holds the lock."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


SQLITE: dict[str, tuple[Trouble, str]] = {
    "the file is deleted": (_aside(""), "was deleted"),
    "the file is replaced": (_aside("", instead=True), "was replaced"),
    "the write-ahead log is deleted": (_aside("-wal"), "state.db-wal was deleted"),
    "the index is deleted": (_aside("-shm"), "state.db-shm was deleted"),
    "there is no room": (no_room, "OperationalError"),
    "another process holds the lock": (written_by_another, "locked"),
}
"""Each fault, with a part of the reason that the session reports."""


# PostgreSQL: the argument is the worker's database and role.


@dataclass(frozen=True)
class Site:
    """A database on a server, with its own role for workers, and connections of an administrator."""

    server: PostgresServer
    database: str
    role: str

    @property
    def url(self) -> str:
        """The workers' URL."""
        return self.server.url(self.database).replace("postgres@", f"{self.role}@")

    async def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the administrator, then end the workers' connections."""
        async with self.admin(database) as admin:
            for statement in statements:
                await admin.execute(statement)
            await self.kill(admin)

    @asynccontextmanager
    async def admin(self, database: str = "postgres") -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
        """A connection of the administrator, closed at the end also if a statement fails."""
        connection = await asyncpg.connect(self.server.url(database).replace("+asyncpg", ""))
        try:
            yield connection
        finally:
            await connection.close()

    async def kill(self, admin: asyncpg.Connection[asyncpg.Record]) -> None:
        """End the workers' connections."""
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", self.role
        )


async def make_site(server: PostgresServer) -> Site:
    """A database with its tables, owned by the role."""
    site = Site(server, f"trouble_{uuid.uuid4().hex}", f"worker_{uuid.uuid4().hex}")
    await server.create("postgres")
    await site.run(f"CREATE ROLE {site.role} LOGIN", f"CREATE DATABASE {site.database} OWNER {site.role}")
    await upgrade(site.url)
    return site


def _role(change: str, back: str) -> Trouble:
    @asynccontextmanager
    async def trouble(site: Site) -> AsyncGenerator[None]:
        await site.run(f"ALTER ROLE {site.role} {change}")
        yield
        await site.run(f"ALTER ROLE {site.role} {back}")

    return trouble


@asynccontextmanager
async def locked(site: Site) -> AsyncGenerator[None]:
    """A person, or a backup, locks the log."""
    async with site.admin(site.database) as admin, admin.transaction():
        await admin.execute("LOCK TABLE holdfast_log, holdfast_identity IN ACCESS EXCLUSIVE MODE")
        yield


def _failed_over(*, with_tables: bool) -> Trouble:
    @asynccontextmanager
    async def trouble(site: Site) -> AsyncGenerator[None]:
        await _rename(site, site.database, f"{site.database}_away")
        await site.run(f"CREATE DATABASE {site.database} OWNER {site.role}")
        if with_tables:
            await upgrade(site.url)
        yield
        await _rename(site, site.database, f"{site.database}_empty")
        await _rename(site, f"{site.database}_away", site.database)

    return trouble


async def _rename(site: Site, name: str, to: str) -> None:
    """Rename a database; retried, since workers connect at any time."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await site.run(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
                    f"ALTER DATABASE {name} RENAME TO {to}",
                )
            except asyncpg.ObjectInUseError:
                await asyncio.sleep(0.01)


POSTGRES: dict[str, tuple[Trouble, str]] = {
    "no connection is left": (_role("CONNECTION LIMIT 0", "CONNECTION LIMIT -1"), "too many connections"),
    "it is read-only": (
        _role("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
        "read-only",
    ),
    "the tables are locked": (locked, "no answer in time"),
    "it failed over to an empty database": (_failed_over(with_tables=False), "an empty database"),
    "it failed over to another database": (_failed_over(with_tables=True), "now it is"),
}
