"""The dashboards' files are those of their code, and their expressions are valid."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.boards import BOARDS, FOLDER, text
from deploy.grafana.panels import Board

from ...prometheus_programs import run

OF_PROMETHEUS = {"titleFormat", "textFormat"}
"""Fields of an annotation that belong to its data source."""
FILES = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.json")}


def expressions(board: Board) -> list[str]:
    """The expressions of a dashboard with values for Grafana's variables."""
    found = [each for row in board.rows for panel in row.panels for each in panel.queries.values()]
    return [re.sub(r"\$__rate_interval", "5m", each) for each in found]


def read_by_grafana(dashboard: dict[str, Any]) -> Any:
    """The dashboard as the models of Grafana read it, without what they do not know."""
    register_default_plugins()
    return json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))


def lost(written: Any, read: Any, path: str = "") -> Iterator[str]:
    """List the fields that were not read, or with another value."""
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in cast("dict[str, Any]", written).items():
            yield from lost(value, cast("dict[str, Any]", read).get(key), f"{path}/{key}")
    elif (
        isinstance(written, list)
        and isinstance(read, list)
        and len(cast("Sequence[Any]", written)) == len(cast("Sequence[Any]", read))
    ):
        for number, pair in enumerate(
            zip(cast("Sequence[Any]", written), cast("Sequence[Any]", read), strict=True)
        ):
            yield from lost(*pair, f"{path}/{number}")
    elif written != read and path.rpartition("/")[2] not in OF_PROMETHEUS:
        yield path


def test_the_files_are_what_the_code_writes() -> None:
    assert {board.uid: text(board) for board in BOARDS} == FILES, "run python -m deploy.grafana"


def test_every_expression_is_valid(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(each for board in BOARDS for each in expressions(board))
    ]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    result = run("promtool", "check", "rules", tmp_path / "rules.yml")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_fill_their_rows_without_overlap(board: Board) -> None:
    taken = set[tuple[int, int]]()
    for panel in json.loads(FILES[board.uid])["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    widths = [sum(panel.width for panel in row.panels) % 24 for row in board.rows]
    assert widths == [0] * len(board.rows)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_variables_are_declared(board: Board) -> None:
    dashboard = json.loads(FILES[board.uid])
    declared = {each["name"] for each in dashboard["templating"]["list"]} | {"__rate_interval", "__all"}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard))) <= declared


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_grafanas_models_know_every_field(board: Board) -> None:
    dashboard = json.loads(FILES[board.uid])
    assert list(lost(dashboard, read_by_grafana(dashboard))) == []


def test_a_field_that_grafana_does_not_know_is_found() -> None:
    dashboard = json.loads(FILES["holdfast-cost"])
    dashboard["panels"][1]["fieldConfig"]["defaults"]["units"] = "s"
    dashboard["panels"][1]["options"]["graphmode"] = "none"
    assert list(lost(dashboard, read_by_grafana(dashboard))) == [
        "/panels/1/fieldConfig/defaults/units",
        "/panels/1/options/graphmode",
    ]
