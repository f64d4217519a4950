"""Cases as files: one JSON document each."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from holdfast_client.files import written
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.evaluation.cases import Case


def load_cases(*paths: Path) -> tuple[Case, ...]:
    """Read cases from files, and from folders with all that is below them, in the order of their paths.

    Raises:
        BadInput: No case was found, a file is not a case, two have the same name, or one expects nothing.
    """
    files = [file for path in paths for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
    cases = tuple(map(_read, files))
    if not cases:
        raise BadInput(f"no case in {', '.join(map(str, paths))}; save one with `holdfast case save SESSION`")
    check(cases)
    return cases


def check(cases: Sequence[Case]) -> None:
    """Check cases before any of them runs.

    Raises:
        BadInput: Two have one name, or one expects nothing.
    """
    names = [case.name for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"several cases are named {', '.join(twice)}; give each its own name")
    for case in cases:
        if not case.expectations:
            raise BadInput(f"case {case.name!r} has no expectations; add one, such as {{'kind': 'judge'}}")
        if not (case.entries or case.message):
            raise BadInput(f"case {case.name!r} has neither entries nor a message")


def save_case(case: Case, folder: Path) -> Path:
    """Write a case to a folder, under its name."""
    path = folder / f"{case.name.replace('/', '-')}.json"
    with written(path) as file:
        file.write(case.model_dump_json(indent=1) + "\n")
    return path


def _read(path: Path) -> Case:
    try:
        return Case.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise BadInput(f"{path}: {place}: {problem['msg']}") from None
