"""Charts as PNG files, drawn from rows of a query."""
# Matplotlib's keyword arguments have no types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from holdfast import ToolError

from .kinds import Value
from .query import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["line", "bar"]
_MAX_BARS = 30
_MAX_LINES = 12
_MAX_LABEL = 24
_MAX_TICKS = 12
_SIZE = (8.0, 4.5)  # inches


@dataclass(frozen=True)
class Chart:
    """What to draw. Rows are (x, y), or (x, series, y) for several lines or groups of bars."""

    kind: Kind
    title: str
    x_label: str
    y_label: str
    rows: Rows


def draw(chart: Chart) -> bytes:
    """The chart as a PNG file; the same rows give the same bytes.

    Raises:
        ToolError: The rows do not fit the kind of chart.
    """
    series = _series(chart)
    # Matplotlib takes a second to load, and only drawing needs it. No pyplot: it is not safe in threads.
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=120, layout="constrained")
    axes = figure.add_subplot()
    places = list(dict.fromkeys(x for points in series.values() for x in points))
    if chart.kind == "line":
        _lines(axes, series, places)
    else:
        _bars(axes, series, places)
    axes.set_title(_label(chart.title, 90), parse_math=False)
    axes.set_xlabel(_label(chart.x_label, 60), parse_math=False)
    axes.set_ylabel(_label(chart.y_label, 60), parse_math=False)
    axes.grid(visible=True, axis="y", alpha=0.3)
    if len(series) > 1:
        for text in axes.legend(fontsize="small").get_texts():
            text.set_parse_math(False)
    image = io.BytesIO()
    with warnings.catch_warnings():
        # A letter that the font does not have is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(image, format="png", metadata={"Software": None})
    return image.getvalue()


def _series(chart: Chart) -> dict[str, dict[Value, float]]:
    width = len(chart.rows.columns)
    if width not in (2, 3):
        raise ToolError(f"a chart needs columns x, y or x, series, y; the query gave {width}")
    series: dict[str, dict[Value, float]] = {}
    for row in chart.rows.rows:
        x, y = row[0], row[-1]
        if x is None or y is None:
            continue
        if isinstance(y, str):
            raise ToolError(f"the last column must be a number to be drawn, and {y[:60]!r} is none")
        series.setdefault("" if width == 2 else str(row[1]), {})[x] = float(y)
    if not series:
        raise ToolError("the query gave nothing to draw")
    if len(series) > _MAX_LINES:
        raise ToolError(f"{len(series)} series cannot be distinguished; at most {_MAX_LINES} are drawn")
    if chart.kind == "bar" and sum(map(len, series.values())) > _MAX_BARS * len(series):
        raise ToolError(f"at most {_MAX_BARS} bars can be read; limit the query, or draw a line")
    return series


def _lines(axes: Axes, series: dict[str, dict[Value, float]], places: list[Value]) -> None:
    numeric = all(isinstance(x, (int, float)) for x in places)
    for name, points in series.items():
        # Text is placed by its order, numbers where they belong.
        at = [
            float(x) if numeric and not isinstance(x, str) and x is not None else places.index(x)
            for x in points
        ]
        axes.plot(at, list(points.values()), marker="o", markersize=3, label=_label(name, _MAX_LABEL) or " ")
    if not numeric:
        _name_places(axes, places)


def _bars(axes: Axes, series: dict[str, dict[Value, float]], places: list[Value]) -> None:
    width = 0.8 / len(series)
    for number, (name, points) in enumerate(series.items()):
        at = [places.index(x) - 0.4 + width * (number + 0.5) for x in points]
        axes.bar(at, list(points.values()), width, label=_label(name, _MAX_LABEL) or " ")
    _name_places(axes, places)


def _name_places(axes: Axes, places: list[Value]) -> None:
    every = 1 if len(places) <= _MAX_BARS else len(places) // _MAX_TICKS + 1
    shown = range(0, len(places), every)
    names = [_label(str(places[i]), _MAX_LABEL) for i in shown]
    turned = len(names) > _MAX_TICKS or any(len(name) > 10 for name in names)
    axes.set_xticks(
        list(shown),
        labels=names,
        rotation=45 if turned else 0,
        ha="right" if turned else "center",
        parse_math=False,
    )


def _label(text: str, longest: int) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text).strip()
    # A legend omits names that begin with an underscore.
    plain = f" {plain}" if plain.startswith("_") else plain
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"
