"""References to secrets, ``file:PATH`` and ``env:NAME``, and when they change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from holdfast_workflows.contracts.errors import SettingsInvalid

Stamp = tuple[int, ...]
"""What changes when a file does."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A file or an environment variable that holds a secret; ``setting`` is the variable that names it."""

    setting: str
    path: Path | None = None
    variable: str = ""

    @classmethod
    def parse(cls, setting: str, text: str) -> Self:
        """Read a reference.

        Raises:
            SettingsInvalid: It is neither ``file:PATH`` nor ``env:NAME``. The message does not repeat it, since it
                may be the secret itself.
        """
        kind, _, rest = text.strip().partition(":")
        if kind == "file" and rest:
            return cls(setting, path=Path(rest.removeprefix("//") if rest.startswith("///") else rest))
        if kind == "env" and rest:
            return cls(setting, variable=rest)
        raise SettingsInvalid(f"{setting} is not a reference; use file:/path or env:NAME")

    def read(self, environ: Mapping[str, str] | None = None) -> str:
        """The text that it names.

        Raises:
            SettingsInvalid: The file cannot be read, or the variable is not set.
        """
        if self.path is None:
            found = (os.environ if environ is None else environ).get(self.variable, "")
            if not found.strip():
                raise SettingsInvalid(f"{self.setting} names the variable {self.variable}, which is not set")
            return found
        try:
            return self.path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SettingsInvalid(
                f"{self.setting} names {self.path}, which cannot be read: {reason}"
            ) from None

    def stamp(self) -> Stamp:
        """The present state of the file; empty for a variable or a missing file."""
        if self.path is None:
            return ()
        try:
            found = self.path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ino, found.st_size
