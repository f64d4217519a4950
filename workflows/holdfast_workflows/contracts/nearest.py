"""Names that nothing has, and the one that was probably meant."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

_LISTED = 12
"""Names that are listed where none is near."""


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known name that is spelt most like ``name``; empty if none is near.

    Args:
        name: What somebody wrote.
        known: Those there are.
        cutoff: How much alike they have to be, from 0 to 1.
    """
    by_spelling = {_folded(each): each for each in known}
    wanted = _folded(name)
    close = get_close_matches(wanted, by_spelling, n=1, cutoff=cutoff)
    # An abbreviation is further away by its letters than it is to a reader.
    close = close or [each for each in by_spelling if len(wanted) > 2 and each.startswith(wanted)]
    return by_spelling[close[0]] if close else ""


def no_such(what: str, names: Iterable[str], known: Collection[str]) -> str:
    """What to tell someone who used names that nothing has.

    Args:
        what: What they are names of: "field", "option".
        names: Those that were used.
        known: Those there are.
    """
    return " ".join(f"No {what} {name!r}; {_instead(name, known)}" for name in names)


def _instead(name: str, known: Collection[str]) -> str:
    if close := nearest(name, known):
        return f"did you mean {close!r}?"
    if not known:
        return "there are none."
    listed = ", ".join(sorted(known)[:_LISTED])
    return f"there are {listed}{' and others' if len(known) > _LISTED else ''}."


def _folded(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()
