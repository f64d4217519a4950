"""Temporary folders of killed processes are removed; those in use stay."""

import os
import tempfile
from pathlib import Path

import pytest

from holdfast_activities.scratch import scratch_folder


def test_a_folder_of_a_killed_process_is_removed_and_a_used_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder("drill") as used:
        abandoned, other = tmp_path / "holdfast-scratch-run-x", tmp_path / "holdfast-x"
        for folder in (abandoned, other):
            folder.mkdir()
            (folder / "state.db").touch()
        for folder in (abandoned, other, used):
            os.utime(folder, (1.0, 1.0))
        with scratch_folder("doctor") as new:
            assert sorted(tmp_path.iterdir()) == sorted([used, new, other])
    assert list(tmp_path.iterdir()) == [other]
