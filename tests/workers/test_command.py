from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from holdfast_client.command.main import invoke
from holdfast_workers.error_lines import worker_installed

_WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(["httpx", "sqlmodel", "sqlalchemy"]))
from holdfast_client.command import main
main()
"""


@pytest.mark.parametrize("words", [("worker", "shop:app"), ("dev", "shop:app"), ("state", "upgrade")])
def test_without_the_parts_of_a_worker_a_command_says_how_to_install_them(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert 'pip install "holdfast[worker]"' in done.stderr


def test_a_library_that_is_missing_is_one_line_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, worker_installed():
        importlib.import_module("no_such_library")
    assert caught.value.code == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "no module no_such_library" in said


def test_help_begins_with_dev_and_cuts_no_line_off(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["state"]):
        assert invoke([*words, "--help"]) == 0
        page = capsys.readouterr().out
        listed = page.partition("Commands:\n")[2]
        assert listed
        assert "..." not in listed
        assert words or listed.startswith("  dev ")
