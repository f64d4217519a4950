"""Find personal data in text: e-mail addresses, phone numbers, payment cards and IBANs.

Cards and IBANs are checked by their check digits (Luhn, and modulo 97 of ISO 13616), so that other numbers are left
alone. Quantifiers are bounded, so that a text written to slow the search down cannot.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, Literal

PersonalKind = Literal["email", "phone", "card", "iban"]
KINDS: Final[tuple[PersonalKind, ...]] = ("email", "phone", "card", "iban")

Span = tuple[int, int, str]
"""Start, end and kind of what was found."""

_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9_](?:[\w.+-]{0,63})@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
_PHONE: Final = re.compile(r"(?<![\w+])(?<!\d )(?:\+|00)[1-9](?:[ ./-]?\(?\d{1,5}\)?){2,8}(?!\w)")
_CARD: Final = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")


def _is_phone(text: str) -> bool:
    return 8 <= sum(map(str.isdigit, text)) <= 17


def _is_card(text: str) -> bool:
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [2 * each - 9 * (each > 4) for each in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "")
    return (
        15 <= len(plain) <= 34
        and int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1
    )


_CHECKS: Final[Mapping[PersonalKind, tuple[str, re.Pattern[str], Callable[[str], bool]]]] = {
    # With a character that a text must contain.
    "email": ("@", _EMAIL, lambda _: True),
    "iban": ("", _IBAN, _is_iban),
    "card": ("", _CARD, _is_card),
    "phone": ("", _PHONE, _is_phone),
}


def find(
    text: str, kinds: Collection[PersonalKind] = KINDS, patterns: Mapping[str, re.Pattern[str]] | None = None
) -> list[Span]:
    """Return what a text contains, in order and without overlaps; own ``patterns`` by kind come first."""
    found: list[Span] = []
    for kind, pattern in (patterns or {}).items():
        found += [(*each.span(), kind) for each in pattern.finditer(text) if each[0]]
    for kind, (sign, pattern, check) in _CHECKS.items():
        if kind in kinds and sign in text:
            found += [(*each.span(), kind) for each in pattern.finditer(text) if check(each[0])]
    kept: list[Span] = []
    for span in sorted(found, key=lambda each: each[0]):  # of several at one place the first kind counts
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
