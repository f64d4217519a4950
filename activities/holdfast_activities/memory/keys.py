"""Which texts are valid record ids and tenant names, in every store.

Invalid Unicode is replaced in other texts but refused in keys, where two keys could become one.
"""

from holdfast_workflows.contracts.text.unicode import clean

MAX_ID_CHARS = 400


def is_key(id: str) -> bool:
    """Whether the text is a valid record id."""
    return 0 < len(id) <= MAX_ID_CHARS and clean(id) == id


def is_tenant(name: str) -> bool:
    """Whether the text is a valid tenant name; the empty name stands for no tenants."""
    return not name or is_key(name)
