"""Files in the report folder: whole or not at all, and nowhere else."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

from holdfast import ToolError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def write_whole(folder: Path, name: str, suffix: str, content: bytes) -> str:
    """Put a file in place, replacing an older one; its name with the suffix.

    A reader sees the old file or the new one. A link of that name is replaced, not followed.

    Raises:
        ToolError: The name is more than a plain name.
    """
    stem = name.removesuffix(suffix)
    if not _NAME.fullmatch(stem):
        raise ToolError(
            f"{name[:80]!r} is not a plain file name. Use letters, digits, '-' and '_', without folders"
        )
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / f"{stem}{suffix}")
    finally:
        draft.unlink(missing_ok=True)
    return f"{stem}{suffix}"
