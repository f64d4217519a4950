"""Which personal data is kept from a model."""

import re
from typing import Final

from pydantic import Field, field_validator

from ..public import public
from ..text.personal_data import KINDS, PersonalKind
from .declared import Declared

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")


@public
class PersonalData(Declared):
    """Personal data that a model sees as tokens, such as ``<EMAIL_1>``, while tools and users get the values.

    ``patterns`` are regular expressions of your own by kind: ``{"customer": r"C-[0-9]{6}"}`` gives ``<CUSTOMER_1>``.
    """

    kinds: tuple[PersonalKind, ...] = KINDS
    patterns: dict[str, str] = Field(default_factory=dict)

    @field_validator("patterns")
    @classmethod
    def _are_patterns(cls, patterns: dict[str, str]) -> dict[str, str]:
        for kind, pattern in patterns.items():
            if not _KIND.fullmatch(kind) or kind in KINDS:
                raise ValueError(f"{kind!r} is not a name of its own; use small letters, digits and '_'")
            try:
                found = re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{kind}: not a regular expression: {error}") from None
            if found.search(""):
                raise ValueError(f"{kind}: the expression matches an empty text")
        return patterns
