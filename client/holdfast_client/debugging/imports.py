"""Imported bundles: a folder of them, by name."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import Final

from holdfast_client.files import partial
from holdfast_workflows.contracts.errors import BadInput

from .imported import ImportedSession, open_bundle

PREFIX: Final = "import:"
_UNSAFE: Final = re.compile(r"[^\w.-]+|^\.+")


def folder() -> Path:
    """Return the folder of imported bundles."""
    return Path(os.environ.get("HOLDFAST_HOME") or ".holdfast").absolute() / "imports"


def add(file: Path, name: str = "") -> str:
    """Copy a bundle into the folder; return the id by which commands read it.

    Raises:
        BadInput: The file is not a bundle, or the copy cannot be written.
    """
    session = open_bundle(file)
    name = _UNSAFE.sub("_", name or session.id)
    to = folder() / f"{name}.zip"
    try:
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = partial(to)
        try:
            part.touch(mode=0o600)  # it has what users said
            shutil.copyfile(file, part)
            part.replace(to)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{to} cannot be written: {error.strerror or error}") from error
    return f"{PREFIX}{name}"


def listed() -> list[tuple[str, ImportedSession]]:
    """Return the imported sessions with their ids, by name."""
    found = sorted(folder().glob("[!.]*.zip"))
    return [(f"{PREFIX}{path.stem}", open_bundle(path)) for path in found]


def find(session: str) -> ImportedSession | None:
    """Return the session of an imported id, or of a bundle's path; None for other ids.

    Raises:
        BadInput: It was not imported, or the file is not a bundle.
    """
    if session.startswith(PREFIX):
        path = folder() / f"{_UNSAFE.sub('_', session.removeprefix(PREFIX))}.zip"
        if not path.exists():
            raise BadInput(f"{session} is not in {folder()}; `holdfast import` lists what is")
        return open_bundle(path)
    path = Path(session)
    named = path.suffix == ".zip" or zipfile.is_zipfile(path)
    return open_bundle(path) if path.is_file() and named else None
