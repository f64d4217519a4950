from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast_workers.startup.loading import load_app
from holdfast_workflows.contracts.errors import AppBroken, AppNotFound, InvalidDeclaration

APP = """
from holdfast_workflows.contracts.agent.app import Registry

class App:
    def registry(self):
        return Registry(agents={}, tools={})

class Box:
    inner = App()

app = App()
box = Box()
number = 3
"""

WRONG = """
from holdfast_workflows.contracts.errors import InvalidDeclaration

raise InvalidDeclaration("two agents of one name")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder of its own, whose modules are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "inside.py").write_text(APP)
    (tmp_path / "broken.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "failing.py").write_text("raise ValueError('mine')\n")
    (tmp_path / "typo.py").write_text("x = = 1\n")
    (tmp_path / "wrong.py").write_text(WRONG)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["shop:app", "shop", "shop:box.inner", "pack.inside:app"])
def test_an_app_is_found_from_the_current_folder(folder: Path, name: str) -> None:
    assert load_app(name).registry().agents == {}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere:app", "no module 'nowhere'"),
        ("pack.nowhere:app", "no module 'pack.nowhere'"),
        ("shop:nothing", "shop has no 'nothing'"),
        ("shop:number", "shop:number is a int, not an App"),
        ("shop:App", "shop:App is a type, not an App"),
        ("shop.py", "not an App|no module"),
        ("./shop:app", "'./shop:app' does not have that form"),
        ("", "'' does not have that form"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_is_missing(folder: Path, name: str, says: str) -> None:
    with pytest.raises(AppNotFound, match=says):
        load_app(name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("broken:app", r"broken.py:1: ModuleNotFoundError: .*not_installed_anywhere"),
        ("failing:app", r"failing.py:1: ValueError: mine"),
        ("typo:app", r"SyntaxError: .*typo.py, line 1"),
    ],
)
def test_an_error_inside_the_module_names_its_line(folder: Path, name: str, says: str) -> None:
    with pytest.raises(AppBroken, match=says):
        load_app(name)


def test_a_wrong_declaration_says_so_itself(folder: Path) -> None:
    with pytest.raises(InvalidDeclaration):
        load_app("wrong:app")
