"""A file takes its name when it is complete; what killed commands left of it is removed."""

import os
from pathlib import Path

import pytest

from holdfast import BadInput
from holdfast.testing import load_cases, save_case
from holdfast.testing.evaluation import Case
from holdfast_client.files import partial, written
from holdfast_workflows.contracts.evaluation.cases import ExpectStatus


class Killed(BaseException):
    """The command ends here."""


def test_a_file_that_is_not_completed_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "base.json"
    with written(path) as file:
        file.write("old")

    def killed() -> None:
        with written(path) as file:
            file.write("half of the n")
            file.flush()
            raise Killed

    with pytest.raises(Killed):
        killed()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_the_next_command_removes_what_a_killed_one_left_and_not_what_is_being_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "case [1].zip"
    left, others = partial(path), (partial(path), partial(tmp_path / "case 2.zip"))
    for each in (left, *others):
        each.touch()
    for each in (left, others[1]):
        os.utime(each, (1.0, 1.0))
    with written(path):
        pass
    assert set(tmp_path.iterdir()) == {path, *others}


def test_a_case_that_is_half_written_is_not_among_the_cases(tmp_path: Path) -> None:
    case = Case(name="c", agent="a", message="Hi", expectations=(ExpectStatus(),))
    path = save_case(case, tmp_path)
    partial(path).write_text('{"name":')
    assert load_cases(tmp_path) == (case,)


def test_a_device_is_written_in_place_and_a_folder_is_refused(tmp_path: Path) -> None:
    with written(Path(os.devnull)) as file:
        file.write("x")
    assert Path(os.devnull).is_char_device()
    with pytest.raises(BadInput, match="cannot be written"), written(tmp_path) as file:
        file.write("x")
