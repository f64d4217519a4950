"""The row of a tenant: how many records it has, and which version they are at."""

from dataclasses import dataclass

from holdfast_workflows.contracts.errors import BadInput

from ...keys import is_tenant
from ..connection import Connection

SHIFT = 32

_COLUMNS = "number, name, version, removed, made, records, documents, length"


@dataclass(slots=True)
class Tenant:
    """See ``schema``. ``made`` counts the numbers that were given to records."""

    number: int
    name: str
    version: int
    removed: int
    made: int
    records: int
    documents: int
    length: int

    def range(self) -> tuple[int, int]:
        """Its records have numbers from the first on and below the second."""
        return self.number << SHIFT, (self.number + 1) << SHIFT

    def next_number(self) -> int:
        """A number for a new record."""
        self.made += 1
        return (self.number << SHIFT) + self.made


def find(connection: Connection, name: str) -> Tenant | None:
    """The tenant, if it was ever written to and not erased since."""
    if not is_tenant(name):
        return None
    row = connection.execute(f"SELECT {_COLUMNS} FROM tenants WHERE name = ?", (name,)).fetchone()  # noqa: S608 - fixed names
    return None if row is None else Tenant(*row)


def make(connection: Connection, name: str) -> Tenant:
    """The tenant, made if it is not there.

    Raises:
        BadInput: It cannot be a key.
    """
    if not is_tenant(name):
        raise BadInput("a tenant's name is too long, or holds NUL or half of a surrogate pair")
    connection.execute("INSERT INTO tenants (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    found = find(connection, name)
    assert found is not None
    return found


def save(connection: Connection, tenant: Tenant) -> None:
    """Write a tenant back, in the transaction that changed its records."""
    connection.execute(
        "UPDATE tenants SET version = ?, removed = ?, made = ?, records = ?, documents = ?, length = ?"
        " WHERE number = ?",
        (
            tenant.version,
            tenant.removed,
            tenant.made,
            tenant.records,
            tenant.documents,
            tenant.length,
            tenant.number,
        ),
    )
