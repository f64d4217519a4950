"""The analyst's tools: what they read, and what they refuse."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.analyst import query
from examples.analyst.app import OFFLINE, SAMPLE, make_app
from examples.analyst.table import database, quoted
from holdfast import Tool, ToolError
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid

from .driving import toolbox, use

CSV = "name,year,amount\na,2020,1.5\nb,2020,2.5\na,2021,\n"
Tools = dict[str, Tool[..., Any]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "input.csv"
    file.write_text(CSV, "utf-8")
    return file


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return tmp_path / "report"


@pytest.fixture
def tools(data: Path, reports: Path) -> Tools:
    return toolbox(data, reports)


def fill(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")


def link(file: Path, target: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(target)


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_the_profile_says_what_each_column_holds(tools: Tools) -> None:
    profile = await use(tools, "profile_data")
    assert (profile["file"], profile["table"], profile["rows"]) == ("input.csv", "data", 3)
    name, year, amount = profile["columns"]
    assert (name["type"], name["distinct"], name["commonest"]) == ("text", 2, [["a", 2], ["b", 1]])
    assert (year["type"], year["min"], year["max"]) == ("year", 2020, 2021)
    assert (amount["type"], amount["missing"], amount["mean"]) == ("number", 1, 2.0)


async def test_a_changed_file_is_read_again(tools: Tools, data: Path) -> None:
    assert (await use(tools, "profile_data"))["rows"] == 3
    fill(data, "x\n1\n")
    assert (await use(tools, "profile_data"))["rows"] == 1


async def test_a_query_gives_rows_and_says_when_there_are_more(tools: Tools) -> None:
    found = await use(tools, "run_sql", query='SELECT "name", SUM("amount") FROM data GROUP BY 1 ORDER BY 1')
    assert found == {
        "columns": ["name", 'SUM("amount")'],
        "rows": [["a", 1.5], ["b", 2.5]],
        "truncated": False,
    }
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n"
    found = await use(tools, "run_sql", query=many)
    assert (len(found["rows"]), found["truncated"]) == (query.MAX_ROWS, True)


async def test_rows_that_would_not_reach_the_model_whole_are_left_out(tools: Tools) -> None:
    long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150) "
    found = await use(tools, "run_sql", query=f"{long} SELECT hex(zeroblob(200)) FROM n")
    assert 10 < len(found["rows"]) < 100
    assert found["truncated"]


WRITES = [
    "DELETE FROM data",
    "UPDATE data SET name = 'x'",
    "INSERT INTO data VALUES (1, 2, 3)",
    "DROP TABLE data",
    "ALTER TABLE data RENAME TO d",
    "CREATE TABLE t (x)",
    "CREATE TEMP TABLE t (x)",
    "CREATE TEMP VIEW v AS SELECT 1",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO '{there}'",
    "ATTACH DATABASE '{there}' AS other",
    "ATTACH DATABASE ':memory:' AS other",
    "DETACH DATABASE main",
    "PRAGMA writable_schema = 1",
    "PRAGMA table_info(data)",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_table_info('data')",
    "SELECT * FROM sqlite_master",
    "SELECT load_extension('{there}')",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT s",
    "WITH gone AS (SELECT 1) DELETE FROM data",
    "SELECT 1; DELETE FROM data",
    "SELECT 1;;SELECT 2",
    "",
    "-- nothing",
    "no sql at all",
]


@pytest.mark.parametrize("sql", WRITES)
async def test_nothing_but_one_select_is_run(
    sql: str, tools: Tools, data: Path, reports: Path, tmp_path: Path
) -> None:
    made = database(data, reports / ".cache")
    before, there = hashlib.sha256(made.read_bytes()).digest(), tmp_path / "there"
    with pytest.raises(ToolError):
        await use(tools, "run_sql", query=sql.format(there=there))
    assert hashlib.sha256(made.read_bytes()).digest() == before
    assert not there.exists()


@pytest.mark.parametrize("sql", WRITES[:7])
def test_the_file_itself_is_open_for_reading_only(
    sql: str, data: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second lock holds when the first is off."""

    def allow(*_: object) -> int:
        return sqlite3.SQLITE_OK

    monkeypatch.setattr(query, "_authorize", allow)
    made = database(data, reports)
    before = hashlib.sha256(made.read_bytes()).digest()
    if "TEMP" not in sql:
        with pytest.raises(ToolError, match="readonly"):
            query.select(made, sql)
    assert hashlib.sha256(made.read_bytes()).digest() == before


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"


@pytest.mark.parametrize(
    "sql", [ENDLESS, "SELECT COUNT(*) FROM " + ", ".join(f"data AS t{i}" for i in range(40))]
)
def test_a_query_without_end_is_stopped(sql: str, data: Path, reports: Path) -> None:
    made = database(data, reports)
    began = time.monotonic()
    with pytest.raises(ToolError, match=r"over 0\.2 seconds"):
        query.select(made, sql, seconds=0.2)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT zeroblob(100000000)",
        "SELECT replace(hex(zeroblob(400000)), '0', 'aaaaaaaaaa')",
        "SELECT " + "1," * 20_000 + "1",
    ],
)
async def test_a_query_cannot_fill_the_memory(sql: str, tools: Tools) -> None:
    with pytest.raises(ToolError, match=r"too big|characters"):
        await use(tools, "run_sql", query=sql)


async def test_a_wrong_column_is_answered_with_the_right_ones(tools: Tools) -> None:
    with pytest.raises(ToolError, match="the columns are: name, year, amount"):
        await use(tools, "run_sql", query="SELECT nme FROM data")


@pytest.mark.parametrize(
    ("value", "sql", "matches"),
    [
        (4.0, "SELECT SUM(amount) FROM data", True),
        (4.001, "SELECT SUM(amount) FROM data", True),
        (4.1, "SELECT SUM(amount) FROM data", False),
        (0, "SELECT 0.0", True),
        (0, "SELECT 1e-9", False),
        ("A", "SELECT name FROM data LIMIT 1", True),
        ("b", "SELECT name FROM data LIMIT 1", False),
        (4, "SELECT NULL", False),
        (4, "SELECT 'four'", False),
    ],
)
async def test_a_figure_is_computed_again_and_compared(
    value: object, sql: str, matches: bool, tools: Tools
) -> None:
    assert (await use(tools, "check_number", claim="it", value=value, query=sql))["matches"] is matches


@pytest.mark.parametrize("sql", ["SELECT 1, 2", "SELECT year FROM data", "SELECT 1 WHERE 0"])
async def test_a_check_needs_one_figure(sql: str, tools: Tools) -> None:
    with pytest.raises(ToolError, match="must give one figure"):
        await use(tools, "check_number", claim="it", value=1, query=sql)


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/out", "a/b", "..", ".hidden", "a\x00b", "a b", "a.md.md", "x" * 65, "-"]
)
async def test_nothing_is_written_outside_the_report_folder(
    name: str, tools: Tools, tmp_path: Path, reports: Path
) -> None:
    before = everything(tmp_path)
    with pytest.raises(ToolError, match="plain file name"):
        await use(tools, "write_report", markdown="# x", name=name)
    assert everything(tmp_path) == before


async def test_a_link_in_the_report_folder_is_replaced_and_not_followed(
    tools: Tools, tmp_path: Path, reports: Path
) -> None:
    outside = tmp_path / "outside.md"
    fill(outside, "kept")
    link(reports / "report.md", outside)
    await use(tools, "write_report", markdown="new")
    assert outside.read_text("utf-8") == "kept"
    assert (reports / "report.md").read_text("utf-8") == "new"


async def test_writing_twice_leaves_one_file_and_nothing_beside_it(tools: Tools, reports: Path) -> None:
    for _ in range(2):
        assert (await use(tools, "write_report", markdown="# Ä \x00\ud800"))["file"] == "report.md"
    assert os.listdir(reports) == ["report.md"]  # noqa: PTH208 -- hidden files too
    assert (reports / "report.md").read_text("utf-8") == "# Ä \ufffd\ufffd"


@pytest.mark.parametrize("image", ["nowhere.png", "../chart.png", "/etc/passwd", "http://x/y.png"])
async def test_a_report_cannot_show_a_chart_that_is_not_beside_it(image: str, tools: Tools) -> None:
    with pytest.raises(ToolError, match="draw_chart"):
        await use(tools, "write_report", markdown=f"![it]({image})")


async def test_the_same_chart_twice_is_the_same_file(tools: Tools, reports: Path) -> None:
    given = {
        "kind": "bar",
        "title": "$\\frac{ _x",
        "query": "SELECT name, SUM(amount) FROM data GROUP BY 1",
        "x_label": "_n",
        "y_label": "价格 $",
    }
    seen: set[bytes] = set()
    for _ in range(2):
        done = await use(tools, "draw_chart", **given)
        seen.add((reports / done["file"]).read_bytes())
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1", "columns x, y"),
        ("SELECT 1, 'a'", "must be a number"),
        ("SELECT 1, 2 WHERE 0", "nothing to draw"),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT 1, 's' || i, 1 FROM n",
            "series",
        ),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i, 1 FROM n",
            "30 bars",
        ),
    ],
)
async def test_rows_that_cannot_be_drawn_are_refused(sql: str, said: str, tools: Tools) -> None:
    with pytest.raises(ToolError, match=said):
        await use(tools, "draw_chart", kind="bar", title="t", query=sql, x_label="x", y_label="y")


async def test_arguments_out_of_bounds_are_refused_before_anything_runs(tools: Tools) -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("plan", {"steps": []}),
        ("write_report", {"markdown": ""}),
        ("draw_chart", {"kind": "pie", "title": "", "query": "", "x_label": "", "y_label": ""}),
        ("run_sql", {"query": "SELECT 1", "database": "/etc/passwd"}),
    ]
    for name, wrong in cases:
        with pytest.raises(ToolArgumentsInvalid):
            await use(tools, name, **wrong)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=6))
async def test_columns_of_any_name_can_be_asked_for_by_the_name_the_profile_gives(
    names: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "names.csv"
    cells = ",".join('"' + name.replace('"', '""') + '"' for name in [*names, "last"])
    file.write_text(cells + "\n" + ",".join("7" for _ in [*names, "last"]) + "\n", "utf-8", newline="")
    tools = toolbox(file, tmp_path / "report")
    columns = [column["name"] for column in (await use(tools, "profile_data"))["columns"]]
    assert len({name.lower() for name in columns}) == len(names) + 1
    asked = ", ".join(quoted(name) for name in columns)
    assert (await use(tools, "run_sql", query=f"SELECT {asked} FROM data"))["rows"] == [
        [7] * (len(names) + 1)
    ]


async def test_nul_in_the_file_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "nul.csv"
    file.write_bytes(b"a,b\nx\x00y,1\n")
    assert (await use(toolbox(file, tmp_path), "run_sql", query="SELECT a FROM data"))["rows"] == [["x\x00y"]]


@pytest.mark.parametrize(
    ("cells", "kind", "first"),
    [
        (["1", "2"], "number", 1),
        (["1,234", "5"], "number", 1234),
        (["$1.50", "2%"], "number", 1.5),
        (["007", "1"], "text", "007"),
        (["1e400", "1"], "text", "1e400"),
        (["NA", "3"], "number", None),
        (["NA", "Namibia"], "text", "NA"),
        (["2024-01-31", "2024/02/01"], "date", "2024-01-31"),
        (["2024-02-30", "2024-01-01"], "text", "2024-02-30"),
        (["2024-01-31T10:20:30Z", "2024-01-31"], "date", "2024-01-31 10:20:30"),
        (["31.12.2024", "01.01.2025"], "date", "2024-12-31"),
        (["12/31/2024", "01/01/2025"], "date", "2024-12-31"),
        (["Jan 5, 2000", "Feb 2000"], "date", "2000-01-05"),
        (["5-Jan-00", "6-Feb-99"], "date", "2000-01-05"),
        (["", " "], "empty", None),
    ],
)
async def test_a_column_is_what_all_its_cells_are(
    cells: list[str], kind: str, first: object, tmp_path: Path
) -> None:
    file = tmp_path / "kind.csv"
    file.write_text('k,v\nx,"' + '"\ny,"'.join(cells) + '"\n', "utf-8")
    tools = toolbox(file, tmp_path)
    assert (await use(tools, "profile_data"))["columns"][1]["type"] == kind
    assert (await use(tools, "run_sql", query="SELECT v FROM data"))["rows"][0] == [first]


def test_the_app_serves_one_analyst_whose_effects_are_declared(tmp_path: Path) -> None:
    spec = make_app(SAMPLE, tmp_path, OFFLINE).registry().agents["analyst"]
    own = [tool for tool in spec.tools if tool.name not in names.OWN_TOOLS]
    assert {tool.name: (tool.inline, tool.effect) for tool in own} == {
        "profile_data": (False, "none"),
        "plan": (True, "none"),
        "run_sql": (True, "none"),
        "check_number": (True, "none"),
        "draw_chart": (False, "idempotent"),
        "write_report": (False, "idempotent"),
    }
    assert all(name in spec.instructions for name in (tool.name for tool in own))
