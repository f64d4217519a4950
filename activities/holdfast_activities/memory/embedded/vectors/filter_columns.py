"""The filter columns of each vector, with texts as numbers, so that a filter is a few array comparisons."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from holdfast_workflows.contracts.text.unicode import clean

from ...base import Filter

LINE = np.dtype(
    [
        ("number", "i8"),
        ("scope", "i4"),
        ("kind", "i4"),
        ("session", "i4"),
        ("topic", "i4"),
        ("superseded", "?"),
        ("at", "f8"),
        ("expires", "f8"),
    ]
)

Lines: TypeAlias = npt.NDArray[np.void]
"""Of type ``LINE``."""

Names: TypeAlias = dict[str, int]
"""The number of each text."""

Mask: TypeAlias = npt.NDArray[np.bool_]

COLUMNS = "number, scope, kind, session, topic, superseded_by <> '', at, expires"
"""The columns of a line."""

Row: TypeAlias = tuple[int, str, str, str, str, int, float, float]
"""Those columns."""


def encode(rows: Iterable[Row], names: Names) -> Lines:
    """Convert rows to lines; new texts get a number."""

    def code(text: str) -> int:
        return names.setdefault(text, len(names))

    return np.array(
        [
            (number, code(scope), code(kind), code(session), code(topic), superseded, at, expires)
            for number, scope, kind, session, topic, superseded, at, expires in rows
        ],
        LINE,
    )


def chosen(lines: Lines, names: Names, wanted: Filter) -> Mask:
    """Return the mask of the lines that match a filter, as ``rows.condition`` does in SQL."""
    mask: Mask = np.ones(len(lines), np.bool_)
    if not wanted.superseded:
        mask &= ~lines["superseded"]
    for column, texts in (
        ("scope", wanted.scopes),
        ("kind", wanted.kinds),
        ("session", (wanted.session,) if wanted.session else ()),
        ("topic", (wanted.topic,) if wanted.topic else ()),
    ):
        if texts:
            mask &= _any(lines[column], names, texts)
    if wanted.before:
        mask &= lines["at"] < wanted.before
    expires = lines["expires"]
    if wanted.expired:
        mask &= (expires > 0) & (expires <= wanted.now)
    elif wanted.now:
        mask &= (expires == 0) | (expires > wanted.now)
    return mask


def _any(codes: npt.NDArray[np.int32], names: Names, texts: Sequence[str]) -> Mask:
    # An unknown text matches no line.
    wanted = [names.get(clean(text), -1) for text in texts]
    return np.isin(codes, wanted) if len(wanted) > 1 else codes == wanted[0]
