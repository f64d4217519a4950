"""A call's arguments in canonical form (RFC 8785), and their digest."""

from decimal import Decimal
from hashlib import sha256
from typing import Any, cast

from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.permissions.values import as_list
from holdfast_workflows.contracts.text import model_json
from holdfast_workflows.contracts.text.decimals import Digits

_STRINGS = 3  # levels of JSON strings around the object, as tools read them


def canonical(arguments: str) -> str:
    """The arguments as canonical JSON: equal for texts that a tool reads as equal.

    Raises:
        ToolArgumentsInvalid: They have no canonical form, so an approval could not be bound to them.
    """
    import rfc8785  # only sessions with approvals need it

    try:
        parsed: Any = arguments
        for _ in range(_STRINGS):
            if not isinstance(parsed, str):
                break
            parsed = model_json.parse(parsed) if parsed.strip() else {}
        return rfc8785.dumps(_exact(parsed)).decode()
    except (ValueError, RecursionError, UnicodeError) as error:
        raise ToolArgumentsInvalid(
            f"the arguments have no canonical form, so they cannot be approved: {error}"
        ) from None


def digest(text: str) -> str:
    """The SHA-256 of canonical arguments, in hex."""
    return sha256(text.encode()).hexdigest()


def _exact(value: Any) -> Any:
    """The value; ValueError if a number has more digits than its canonical form would keep."""
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in cast("dict[str, Any]", value).items()}
    items: list[Any] = as_list(value)
    if isinstance(value, list):
        return [_exact(each) for each in items]
    if isinstance(value, Digits) and Decimal(value.written) != Decimal(repr(float(value))):
        raise ValueError(f"{value.written} has too many digits; write it as a string")
    return value
