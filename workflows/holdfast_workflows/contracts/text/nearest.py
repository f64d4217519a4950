"""Messages for unknown names, with the nearest known name."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

_LISTED = 12
"""Names that are listed if none is similar."""


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the known name most similar to ``name``, by at least ``cutoff`` (0 to 1); empty without one."""
    by_spelling = {_folded(each): each for each in known}
    wanted = _folded(name)
    close = get_close_matches(wanted, by_spelling, n=1, cutoff=cutoff)
    # An abbreviation is further away by its letters than it is to a reader.
    close = close or [each for each in by_spelling if len(wanted) > 2 and each.startswith(wanted)]
    return by_spelling[close[0]] if close else ""


def no_such(what: str, names: Iterable[str], known: Collection[str]) -> str:
    """Return the error text for unknown ``names`` of a kind such as "field" or "option"."""
    return " ".join(f"No {what} {name!r}; {_instead(name, known)}" for name in names)


def _instead(name: str, known: Collection[str]) -> str:
    if close := nearest(name, known):
        return f"did you mean {close!r}?"
    if not known:
        return "none are defined."
    listed = ", ".join(sorted(known)[:_LISTED])
    return f"known are {listed}{' and others' if len(known) > _LISTED else ''}."


def _folded(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()
