"""The analyst's tools: read one file, and write into one folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from holdfast import Tool, ToolError, tool
from holdfast_workflows.contracts.text.unicode import clean

from .chart import Chart, Kind, draw
from .files import write_whole
from .kinds import Value
from .profile import profile
from .query import ALL, select
from .table import database

_CACHE = ".cache"
_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*<?([^)>\s]+)")
_MAX_REPORT = 500_000

Name = Annotated[str, Field(min_length=1, max_length=68)]
Text = Annotated[str, Field(max_length=200)]


def make_tools(data: Path, reports: Path) -> list[Tool[..., Any]]:
    """The tools for one data file and one report folder; no tool takes a path."""
    return [*_reading(data, reports / _CACHE), *_writing(data, reports)]


def _reading(data: Path, cache: Path) -> list[Tool[..., Any]]:
    @tool(timeout=120)
    def profile_data() -> dict[str, Any]:
        """Describe the data file: rows, and per column its type, missing values, distinct values, range.

        Call this first. The rows are in an SQLite table named data; the columns have the names given here.
        """
        return profile(database(data, cache), data.name)

    @tool(inline=True, timeout=10)
    def plan(steps: Annotated[list[Text], Field(min_length=1, max_length=20)]) -> str:
        """Write down how you will answer the question, before you query.

        Args:
            steps: The steps, one sentence each.
        """
        return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))

    @tool(inline=True, timeout=30)
    def run_sql(query: str) -> dict[str, Any]:
        """Run one SELECT statement of SQLite over the table data.

        Reads only; at most 200 rows or 24 KB come back and a query may take 5 seconds, so let SQL aggregate.

        Args:
            query: The statement. Put column names in double quotes.
        """
        found = select(database(data, cache), query)
        return {"columns": found.columns, "rows": found.rows, "truncated": found.truncated}

    @tool(inline=True, timeout=30)
    def check_number(
        claim: Text,
        value: float | str,
        query: str,
        tolerance: Annotated[float, Field(ge=0, le=0.1)] = 0.001,
    ) -> dict[str, Any]:
        """Recompute a figure before you report it, by another query than the one it came from.

        Args:
            claim: The statement that the figure supports.
            value: The figure, or the name, that you are going to report.
            query: A SELECT that gives one row with one column: the figure computed in another way.
            tolerance: How far the two may differ, as a share of the figure.
        """
        found = select(database(data, cache), query, limit=2)
        if len(found.rows) != 1 or len(found.columns) != 1:
            raise ToolError(
                f"the query gave {len(found.rows)} rows of {len(found.columns)} columns; it must give one figure"
            )
        result = found.rows[0][0]
        return {
            "claim": claim,
            "claimed": value,
            "found": result,
            "matches": _matches(value, result, tolerance),
        }

    return [profile_data, plan, run_sql, check_number]


def _writing(data: Path, reports: Path) -> list[Tool[..., Any]]:
    @tool(effect="idempotent", timeout=120, retries=2)
    def draw_chart(
        kind: Kind, title: Text, query: str, x_label: Text, y_label: Text, name: Name = "chart"
    ) -> dict[str, Any]:
        """Draw a chart from a query and save it as a PNG file next to the report.

        Args:
            kind: "line" for a development, "bar" for a comparison of up to 30 values.
            title: What the chart shows.
            query: A SELECT that gives the columns x, y, or x, series, y for up to 12 series.
            x_label: What x is.
            y_label: What y is, with its unit.
            name: The file's name without folder.
        """
        rows = select(database(data, reports / _CACHE), query, limit=2_000, room=ALL)
        image = draw(Chart(kind, clean(title), clean(x_label), clean(y_label), rows))
        return {"file": write_whole(reports, name, ".png", image), "points": len(rows.rows)}

    @tool(effect="idempotent", timeout=30, retries=2)
    def write_report(
        markdown: Annotated[str, Field(min_length=1, max_length=_MAX_REPORT)], name: Name = "report"
    ) -> dict[str, Any]:
        """Save the report, in Markdown. Show a chart by ![what it shows](its file name).

        Args:
            markdown: The whole report.
            name: The file's name without folder.
        """
        text = clean(markdown)
        images = [_image(target, reports) for target in _IMAGE.findall(text)]
        file = write_whole(reports, name, ".md", text.encode())
        return {"file": file, "characters": len(text), "charts": images}

    return [draw_chart, write_report]


def _matches(claimed: float | str, found: Value, tolerance: float) -> bool:
    if found is None:
        return False
    if isinstance(claimed, str) or isinstance(found, str):
        return str(claimed).strip().casefold() == str(found).strip().casefold()
    return abs(claimed - found) <= tolerance * max(abs(claimed), abs(found))


def _image(target: str, reports: Path) -> str:
    if "/" in target or "\\" in target or not (reports / target).is_file():
        raise ToolError(
            f"the report shows {target[:80]!r}, which does not exist next to it; create it with draw_chart first"
        )
    return target
