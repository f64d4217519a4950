"""Bundles: a session in one file, redacted, which others read without the deployment.

A zip archive: ``bundle.json`` says what it is; ``view.json``, ``turns.jsonl``, ``log.jsonl``, ``prompts.jsonl``,
``effects.jsonl``, ``state.jsonl``, ``debug.jsonl`` and ``configuration.json`` are what workers know,
``description.json`` and ``history/*.json`` what the Temporal server knows. The histories are as Temporal's command
line and UI write and read them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowHistory

from holdfast_client.files import partial
from holdfast_temporal.histories.fetching import Run
from holdfast_temporal.histories.files import DAMAGED, member_name, read_histories
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.errors import BadInput

FORMAT: Final = 1
_ABOUT: Final = "bundle.json"
_DESCRIPTION: Final = "description.json"
_LARGEST: Final = 2_000_000_000
"""Bytes of a bundle's content; more could fill the memory or the disk of its reader."""


class About(Contract):
    """What a bundle is."""

    format: int = FORMAT
    session: str
    exported: float
    """Seconds since 1970."""
    holdfast: str = ""
    namespace: str = ""
    missing: tuple[str, ...] = ()
    """What could not be read, and why."""


class BundleWriter:
    """Writes a bundle; the file is there once it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.is_dir():
            raise BadInput(f"{path} is a folder; give the path of a file, such as {path / 'case.zip'}")
        self._partial = partial(path)
        try:
            self._partial.touch(mode=0o600)  # it has what users said
            self._zip = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_DEFLATED)
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror}") from error

    def add(self, name: str, value: Any) -> None:
        """Add a JSON document."""
        self._zip.writestr(f"{name}.json", json.dumps(value, indent=2))

    def add_lines(self, name: str, values: list[Any]) -> None:
        """Add JSON lines."""
        self._zip.writestr(f"{name}.jsonl", "".join(f"{json.dumps(value)}\n" for value in values))

    def add_description(self, found: DescribeWorkflowExecutionResponse) -> None:
        """Add what the server says about the session's workflow."""
        self._zip.writestr(_DESCRIPTION, json_format.MessageToJson(found))

    def add_run(self, place: int, run: Run) -> None:
        """Add the history of a run."""
        self._zip.writestr(member_name(place, run.id), WorkflowHistory(run.workflow, run.events).to_json())

    def finish(self, about: About) -> None:
        """Write what the bundle is, and put the file in its place."""
        self._zip.writestr(_ABOUT, json.dumps(about.model_dump(mode="json"), indent=2))
        self._zip.close()
        self._partial.replace(self._path)

    def discard(self) -> None:
        """Remove what was written."""
        with suppress(OSError):  # a full disk takes no end of the archive
            self._zip.close()
        self._partial.unlink(missing_ok=True)


class Bundle:
    """A bundle to read."""

    def __init__(self, path: Path) -> None:
        """Open a bundle.

        Raises:
            BadInput: The file is not a bundle, is damaged, or is of a newer version.
        """
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
            size = sum(each.file_size for each in self._zip.infolist())
            self.about = About.model_validate_json(self._zip.read(_ABOUT))
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
        except (KeyError, ValueError, *DAMAGED) as error:
            raise BadInput(f"{path} is not a bundle; `holdfast export SESSION FILE` writes one") from error
        if self.about.format > FORMAT:
            raise BadInput(
                f"{path} has format {self.about.format}, and this version reads {FORMAT}; use Holdfast {self.about.holdfast}"
            )
        if size > _LARGEST:
            raise BadInput(f"{path} has {size:,} bytes of content; at most {_LARGEST:,} are read")

    def document(self, name: str) -> Any:
        """Return a JSON document; None if the bundle lacks it."""
        text = self._read(f"{name}.json")
        return None if text is None else self._parsed(name, text)

    def lines(self, name: str) -> Iterator[Any]:
        """Yield JSON lines; nothing if the bundle lacks them."""
        for line in (self._read(f"{name}.jsonl") or b"").splitlines():
            yield self._parsed(name, line)

    def runs(self) -> list[Run]:
        """Return the histories of the session's runs, in order."""
        found = read_histories(self._path)
        return [Run(self.about.session, each.run, tuple(each.events)) for each in found]

    def description(self) -> DescribeWorkflowExecutionResponse:
        """Return what the server said about the session's workflow."""
        text = self._read(_DESCRIPTION)
        found = DescribeWorkflowExecutionResponse()
        if text is None:
            return found
        try:
            return json_format.Parse(text, found, ignore_unknown_fields=True)
        except (ValueError, json_format.ParseError) as error:
            raise BadInput(f"{self._path}: {_DESCRIPTION} is damaged: {error}") from error

    def _read(self, name: str) -> bytes | None:
        try:
            return self._zip.read(name)
        except KeyError:
            return None
        except (OSError, *DAMAGED) as error:
            raise BadInput(f"{self._path}: {name} is damaged: {error}") from error

    def _parsed(self, name: str, text: bytes) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise BadInput(f"{self._path}: {name} is damaged: {error}") from error
