"""References to secrets: their form, reading them, and what is said when one has no value."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from holdfast import InvalidDeclaration, Secret, SecretMissing
from holdfast_activities.secrets.references import fill, missing, resolve
from holdfast_workflows.contracts.control.secrets import references_in


def test_a_reference_is_read_from_a_variable_or_a_file(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text("from the file\n")
    assert resolve("env:KEY", {"KEY": " from the variable "}) == "from the variable"
    assert resolve(f"file:{place}") == "from the file"


def test_references_within_a_text_are_filled(tmp_path: Path) -> None:
    place = tmp_path / "password"
    place.write_text("p$1\\2")
    url = f"postgresql://holdfast:${{file:{place}}}@db/holdfast"
    assert fill(url) == "postgresql://holdfast:p$1\\2@db/holdfast"
    assert fill("Bearer ${env:T}", {"T": "${env:HOME}"}) == "Bearer ${env:HOME}", (
        "a value is not filled again"
    )
    assert fill("plain, env:T or $T") == "plain, env:T or $T"
    assert references_in(url) == (f"file:{place}",)


@pytest.mark.parametrize("reference", ["env:KEY", "file:/no/such/file", "file:{empty}", "file:{bytes}"])
def test_a_missing_secret_names_its_place(reference: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    reference = reference.format(empty=tmp_path / "empty", bytes=tmp_path / "bytes")
    place = reference.partition(":")[2]
    with pytest.raises(SecretMissing, match=place):
        resolve(reference, {"KEY": ""})
    assert [place in error.detail for error in missing([reference, f"Bearer ${{{reference}}}"], {})] == [True]


@pytest.mark.parametrize(
    "given", ["hunter2-the-value", "env:", "env:A-B", "file:", "env:A and more", "ENV:A"]
)
def test_a_text_that_is_not_a_reference_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        Secret(given)
    assert given not in str(refused.value).replace("env:NAME", "").replace("file:/path", "")


def test_a_secret_is_its_reference_wherever_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "the value")

    class Headers(BaseModel):
        key: Secret

    made = Headers(key=Secret("env:KEY"))
    assert (f"{made.key}", repr(made.key)) == ("env:KEY", "Secret('env:KEY')")
    assert Headers.model_validate_json(made.model_dump_json()) == made
    assert made.model_dump_json() == '{"key":"env:KEY"}'
