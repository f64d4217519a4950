"""The row of a tenant: its number of records and their version."""

from dataclasses import astuple, dataclass

from holdfast_workflows.contracts.errors import BadInput

from ...keys import is_tenant
from ..connection import Connection

SHIFT = 32

_COLUMNS = "number, name, version, removed, made, records, documents, length"


@dataclass(slots=True)
class Tenant:
    """See ``schema``. ``made`` counts the numbers assigned to records."""

    number: int
    name: str
    version: int
    removed: int
    made: int
    records: int
    documents: int
    length: int

    def range(self) -> tuple[int, int]:
        """Return the first number of its records, and the end."""
        return self.number << SHIFT, (self.number + 1) << SHIFT

    def next_number(self) -> int:
        """Assign a number to a new record."""
        self.made += 1
        return (self.number << SHIFT) + self.made


def find(connection: Connection, name: str) -> Tenant | None:
    """Return the tenant, or None if it was never written or is erased."""
    if not is_tenant(name):
        return None
    row = connection.execute(f"SELECT {_COLUMNS} FROM tenants WHERE name = ?", (name,)).fetchone()  # noqa: S608 - fixed names
    return None if row is None else Tenant(*row)


def make(connection: Connection, name: str) -> Tenant:
    """Return the tenant; create it if necessary.

    Raises:
        BadInput: The name is not a valid key.
    """
    if not is_tenant(name):
        raise BadInput("a tenant's name is too long, or contains NUL or a lone surrogate")
    connection.execute("INSERT INTO tenants (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    found = find(connection, name)
    assert found is not None
    return found


def save(connection: Connection, tenant: Tenant) -> None:
    """Write a tenant back, in the transaction that changed its records."""
    connection.execute(
        "UPDATE tenants SET version = ?, removed = ?, made = ?, records = ?, documents = ?, length = ?"
        " WHERE number = ?",
        (*astuple(tenant)[2:], tenant.number),
    )
