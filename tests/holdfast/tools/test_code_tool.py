"""Declarations of code tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast import Agent, App, CodeTool, InvalidDeclaration


def test_a_code_tool_has_no_effect_and_tells_its_limits() -> None:
    spec = CodeTool(description="Sums.", files={"a.csv": Path("/srv/a.csv")}, timeout=5).spec
    assert (spec.name, spec.effect) == ("run_code", "none")
    assert spec.description.startswith("Sums.\n\nRuns a program (python)")
    assert "at most 5 s and 512 MB of memory. Files in the working folder: a.csv." in spec.description
    assert list(spec.parameters["properties"]) == ["code"]
    both = CodeTool(languages=["python", "shell"]).spec
    assert both.parameters["properties"]["language"]["enum"] == ["python", "shell"]


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"name": "read_more"}, "reserved"),
        ({"languages": "python"}, "in a list"),
        ({"languages": ["ruby"]}, "python, shell"),
        ({"files": {"../a": "/a"}}, "plain name"),
        ({"files": {"a/b": "/a"}}, "plain name"),
        ({"timeout": -1}, "timeout"),
        ({"memory": 1}, "64,000,000"),
        ({"processes": 1}, "processes"),
        ({"network": True}, "network"),
    ],
)
def test_an_invalid_option_is_refused_with_the_remedy(options: dict[str, Any], remedy: str) -> None:
    with pytest.raises(InvalidDeclaration, match=remedy):
        CodeTool(options.get("name", "code"), **{k: v for k, v in options.items() if k != "name"})


def test_a_code_tool_is_a_tool_of_its_agent() -> None:
    code = CodeTool()
    agent = Agent("a", model="openai:m", tools=[code])
    assert App(agents=[agent]).registry().tools["a"] == {"run_code": code}
