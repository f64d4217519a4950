"""References to secrets. A reference names the place of a secret and is safe to store, to log and to show."""

import re
from typing import Any, Final

from pydantic_core import CoreSchema, core_schema

from ..errors import InvalidDeclaration
from ..public import public

_REFERENCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:[^\0\n]+")

PLACEHOLDER: Final = re.compile(r"\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^}\0\n]+)\}")
"""A reference within a text, such as ``Bearer ${env:TOKEN}``."""


@public
class Secret(str):
    """A reference to a secret: ``env:NAME`` for a variable, ``file:/path`` for a file.

    Only a worker reads the value, at the moment it is used. The text itself is the reference, so it may be given
    wherever a text with references is accepted.
    """

    __slots__ = ()

    def __new__(cls, reference: str) -> "Secret":
        """Check the form.

        Raises:
            InvalidDeclaration: The text is not a reference. It is not repeated, since it may be the secret.
        """
        if not is_reference(reference):
            raise InvalidDeclaration(
                "a secret is not a reference; write Secret('env:NAME') or Secret('file:/path'), "
                "and keep the value in that variable or file"
            )
        return super().__new__(cls, reference)

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


def is_reference(text: object) -> bool:
    """Whether a text is one reference and nothing else."""
    return isinstance(text, str) and _REFERENCE.fullmatch(text) is not None


def references_in(text: str) -> tuple[str, ...]:
    """The references of a text: itself, or those in its placeholders."""
    return (text,) if is_reference(text) else tuple(PLACEHOLDER.findall(text))
