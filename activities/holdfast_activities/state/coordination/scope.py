"""Whose a shared row is, where several apps keep their state in one database.

The app's mark stands before the row's name: a build that knows no marks goes on working beside
this one, which a new column in the key would not allow.
"""

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.orm import Mapped

_MARK = "app:"
"""No breaker, rate or account has a name that begins so."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Names of one app; those of the app without a mark are stored as they are."""

    mark: str

    @classmethod
    def of(cls, app: str) -> "Scope":
        """The scope of an app; empty for the only one."""
        # Quoted, so that no app's mark is the beginning of another's.
        return cls(f"{_MARK}{quote(app, safe='')}/" if app else "")

    def stored(self, name: str) -> str:
        """A name as it is stored."""
        return self.mark + name

    def name(self, stored: str) -> str:
        """The name of a row that is ours."""
        return stored.removeprefix(self.mark)

    def own(self, column: Mapped[str]) -> ColumnElement[bool]:
        """The condition that a row is ours."""
        # Not LIKE, which takes capitals for small letters in one of the databases.
        if not self.mark:
            return func.substr(column, 1, len(_MARK)) != _MARK
        return func.substr(column, 1, len(self.mark)) == self.mark

    def begins(self, column: Mapped[str], prefix: str) -> ColumnElement[bool]:
        """The condition that a row is ours and its name begins so."""
        start = self.stored(prefix)
        return and_(self.own(column), func.substr(column, 1, len(start)) == start)
