"""The binding of a task queue to one app and one state database."""

from ..base import Contract


class Binding(Contract):
    """The app of a task queue, and the state database of its sessions.

    An app without a name is identified by its ``agents`` at the time of binding. ``database`` is the database's
    identity. ``module`` and ``place`` (the database's address, without a password) are for messages.
    """

    app: str = ""
    agents: tuple[str, ...] = ()
    module: str = ""
    database: str = ""
    place: str = ""
    base: str = ""
    """Of a service queue: the queue of its app."""

    @property
    def title(self) -> str:
        """The app, as messages name it."""
        return repr(self.app) if self.app else f"{self.module or 'an app without a name'}"

    @property
    def summary(self) -> str:
        """The app and its database, as messages name them."""
        return f"{self.title} on database {self.database} at {self.place}"
