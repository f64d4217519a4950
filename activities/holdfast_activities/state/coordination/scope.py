"""Separation of shared rows where several apps use one database: the app's prefix precedes the row's name."""

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.orm import Mapped

_MARK = "app:"
"""No breaker, rate or account name starts with this."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Names of one app; without a prefix they are stored unchanged."""

    mark: str

    @classmethod
    def of(cls, app: str) -> "Scope":
        """The scope of an app; empty for the only one."""
        # Quoted, so that no app's prefix starts another's.
        return cls(f"{_MARK}{quote(app, safe='')}/" if app else "")

    def stored(self, name: str) -> str:
        """A name as it is stored."""
        return self.mark + name

    def name(self, stored: str) -> str:
        """The name of a row of this app."""
        return stored.removeprefix(self.mark)

    def own(self, column: Mapped[str]) -> ColumnElement[bool]:
        """The condition that a row belongs to this app."""
        # Not LIKE, which ignores case in SQLite.
        if not self.mark:
            return func.substr(column, 1, len(_MARK)) != _MARK
        return func.substr(column, 1, len(self.mark)) == self.mark

    def begins(self, column: Mapped[str], prefix: str) -> ColumnElement[bool]:
        """The condition that a row belongs to this app and its name starts with ``prefix``."""
        start = self.stored(prefix)
        return and_(self.own(column), func.substr(column, 1, len(start)) == start)
