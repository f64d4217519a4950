"""What a table holds, column by column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from holdfast_workflows.contracts.text.unicode import dump_json, preview

from .query import ALL, MAX_BYTES, select
from .table import TABLE, quoted

_MAX_DETAILED = 40
_MAX_TOP = 5
_MAX_VALUE = 60
_SECONDS = 20.0
_YEAR = re.compile(r"(^|[^a-z])(year|yr|jahr|année|annee|año|anno)([^a-z]|$)")


def profile(database: Path, name: str) -> dict[str, Any]:
    """Rows, and for each column its type, missing and distinct values, range, mean and commonest values."""
    listed = select(
        database, "SELECT name, kind FROM _columns ORDER BY position", limit=10_000, room=ALL
    ).rows
    notes = [str(row[0]) for row in select(database, "SELECT note FROM _notes").rows]
    rows = _one(database, f"SELECT COUNT(*) FROM {TABLE}")[0] if listed else 0
    if len(listed) > _MAX_DETAILED:
        others = ", ".join(str(row[0]) for row in listed[_MAX_DETAILED : _MAX_DETAILED + 100])
        notes.append(
            f"{len(listed) - _MAX_DETAILED:,} further columns are not described: {preview(others, 500)}"
        )
    columns = [_column(database, str(n), str(kind)) for n, kind in listed[:_MAX_DETAILED]]
    if len(dump_json(columns).encode()) > MAX_BYTES * 3 // 4:
        for column in columns:
            column.pop("commonest", None)
    return {"file": name, "table": TABLE, "rows": rows, "columns": columns, "notes": notes}


def _column(database: Path, name: str, kind: str) -> dict[str, Any]:
    column = quoted(name)
    facts = f"SELECT COUNT(*) - COUNT({column}), COUNT(DISTINCT {column}), MIN({column}), MAX({column})"
    missing, distinct, least, most = _one(database, f"{facts} FROM {TABLE}")
    about: dict[str, Any] = {"name": name, "type": kind, "missing": missing, "distinct": distinct}
    if kind == "number":
        mean, fractions = _one(
            database, f"SELECT AVG({column}), SUM({column} <> ROUND({column})) FROM {TABLE}"
        )
        about |= {"min": least, "max": most, "mean": mean, "whole": not fractions}
        if _YEAR.search(name.lower()) and not fractions:
            about["type"] = "year"
    elif kind == "date":
        about |= {"min": least, "max": most}
    elif kind == "text":
        common = (
            f"SELECT {column}, COUNT(*) FROM {TABLE} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        found = select(database, f"{common} LIMIT {_MAX_TOP}", seconds=_SECONDS).rows
        about["longest"] = _one(database, f"SELECT MAX(LENGTH(CAST({column} AS BLOB))) FROM {TABLE}")[0]
        about["commonest"] = [[str(value)[:_MAX_VALUE], count] for value, count in found]
    return about


def _one(database: Path, sql: str) -> tuple[Any, ...]:
    return select(database, sql, seconds=_SECONDS).rows[0]
