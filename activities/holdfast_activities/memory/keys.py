"""What can be the id of a record and the name of a tenant, in every store.

Text that is no plain Unicode is cleaned, but for keys: there a replaced character could
make two of them one, so they are refused.
"""

from holdfast_workflows.contracts.text import clean

MAX_ID_CHARS = 400


def is_key(id: str) -> bool:
    """Whether it can be the id of a record."""
    return 0 < len(id) <= MAX_ID_CHARS and clean(id) == id


def is_tenant(name: str) -> bool:
    """Whether it can name a tenant; the empty name is that of who has no tenants."""
    return not name or is_key(name)
