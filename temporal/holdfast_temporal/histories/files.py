"""Histories in files: JSON of Temporal's command line, UI and SDKs, or the histories of a bundle."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from google.protobuf.json_format import ParseError
from temporalio.client import WorkflowHistory

from holdfast_workflows.contracts.errors import BadInput

_FOLDER: Final = "history/"

DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What reading a damaged archive raises, or one that is compressed or encrypted in an unusual way."""


@dataclass(frozen=True)
class RecordedRun(WorkflowHistory):
    """The history of one run, in a file."""

    run: str = ""


def member_name(place: int, run: str) -> str:
    """Return the name of a run's history in a bundle."""
    return f"{_FOLDER}{place:04}-{run}.json"


def is_bundle(path: Path) -> bool:
    """Whether a file is a bundle, whose payloads are not encrypted."""
    return zipfile.is_zipfile(path)


def read_histories(path: Path) -> list[RecordedRun]:
    """Return the histories in a file, in order.

    Raises:
        BadInput: It is neither a history nor a bundle.
    """
    try:
        if not is_bundle(path):
            return [_history(path.stem, path.read_text("utf-8"))]
        with zipfile.ZipFile(path) as found:
            members = sorted(name for name in found.namelist() if name.startswith(_FOLDER))
            return [
                _history(Path(name).stem.partition("-")[2], found.read(name).decode()) for name in members
            ]
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, ParseError, *DAMAGED) as error:
        raise BadInput(f"{path} is not a history, or is damaged: {error}") from error


def _history(run: str, text: str) -> RecordedRun:
    found = WorkflowHistory.from_json(run, text)
    if not found.events:
        raise ValueError("it has no events")
    # Ids of child workflows follow from the workflow's own, which exports of old servers lack.
    id = found.events[0].workflow_execution_started_event_attributes.workflow_id
    return RecordedRun(id or run, found.events, run)
