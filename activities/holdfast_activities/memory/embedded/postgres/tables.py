"""The memory tables of ``schema`` in PostgreSQL types. Texts are compared bytewise (collation "C"), as in SQLite."""

from holdfast_workflows.contracts.errors import MemoryUnavailable

from ..connection import Connection
from . import pgvector

SCHEMA = "holdfast_memory"

FORMAT = 2
"""Format of the tables that this code reads; format 1 existed during development only."""

_TABLES = """
    CREATE TABLE format (version BIGINT NOT NULL);
    CREATE TABLE collection (
        one BIGINT PRIMARY KEY CHECK (one = 1), model TEXT NOT NULL, dimension BIGINT NOT NULL,
        begun BIGINT NOT NULL, generation BIGINT NOT NULL, migration BIGINT NOT NULL,
        indexing BIGINT NOT NULL DEFAULT 0);
    INSERT INTO collection VALUES (1, '', 0, 0, 0, 0, 0);
    CREATE TABLE tenants (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE,
        version BIGINT NOT NULL DEFAULT 0, removed BIGINT NOT NULL DEFAULT 0, made BIGINT NOT NULL DEFAULT 0,
        records BIGINT NOT NULL DEFAULT 0, documents BIGINT NOT NULL DEFAULT 0, length BIGINT NOT NULL DEFAULT 0);
    CREATE TABLE records (
        number BIGINT PRIMARY KEY, tenant BIGINT NOT NULL, changed BIGINT NOT NULL,
        scope TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL, session TEXT COLLATE "C" NOT NULL,
        topic TEXT COLLATE "C" NOT NULL, superseded_by TEXT COLLATE "C" NOT NULL, at DOUBLE PRECISION NOT NULL,
        expires DOUBLE PRECISION NOT NULL, place BIGINT NOT NULL, id TEXT COLLATE "C" NOT NULL, speaker TEXT NOT NULL,
        importance DOUBLE PRECISION NOT NULL, trust TEXT NOT NULL, sources TEXT NOT NULL,
        used DOUBLE PRECISION NOT NULL, uses BIGINT NOT NULL, words TEXT NOT NULL, text TEXT NOT NULL,
        UNIQUE (tenant, id));
    CREATE INDEX records_changed ON records (tenant, changed);
    CREATE INDEX records_said ON records (tenant, session, place);
    CREATE INDEX records_about ON records (tenant, topic) WHERE topic <> '';
    CREATE INDEX records_expire ON records (tenant, expires) WHERE expires > 0;
    CREATE INDEX records_counted ON records (kind, superseded_by);
    CREATE TABLE vectors (number BIGINT PRIMARY KEY, value {vector} NOT NULL);
    CREATE TABLE upcoming (number BIGINT PRIMARY KEY, value {vector} NOT NULL);
    CREATE TABLE postings (
        tenant BIGINT NOT NULL, term TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, often BIGINT NOT NULL,
        length BIGINT NOT NULL, PRIMARY KEY (tenant, term, number))
"""

_TYPE = f"""SELECT typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = '{SCHEMA}.vectors'::regclass AND attname = 'value'"""  # noqa: S608 - a fixed name

_SIZE = f"""SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = '{SCHEMA}'::regnamespace"""  # noqa: S608 - a fixed name


def prepare(connection: Connection, *, encrypted: bool = False) -> None:
    """Create missing tables, within a transaction that locks out other writers.

    ``encrypted``: vectors are encrypted, so their column is plain bytes.

    Raises:
        MemoryUnavailable: The format differs, or the user may not create tables.
    """
    if connection.execute("SELECT to_regclass('holdfast_memory.format')").fetchone() == (None,):
        try:
            compares = not encrypted and pgvector.is_installed(connection)
            tables = _TABLES.format(vector=pgvector.TYPE if compares else "BYTEA")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}; {tables}")
        except MemoryUnavailable as error:
            raise MemoryUnavailable(
                f"{error.detail}; to create the memory tables, run `holdfast state upgrade` as a user "
                "who may create a schema"
            ) from error
        connection.execute("INSERT INTO format VALUES (?)", (FORMAT,))
    [version] = connection.execute("SELECT version FROM format").fetchone()
    if version != FORMAT:
        raise MemoryUnavailable(
            f"the memories' format is {version}, and this version reads {FORMAT}; drop the schema {SCHEMA} to begin "
            "without memories, or use the version that wrote it"
        )


def has_pgvector(connection: Connection) -> bool:
    """Whether the vector column has pgvector's type: pgvector was installed when the tables were created."""
    [name] = connection.execute(_TYPE).fetchone()
    return bool(name == pgvector.TYPE)


def size(connection: Connection) -> int:
    """Size of the tables in bytes."""
    return int(connection.execute(_SIZE).fetchone()[0])
