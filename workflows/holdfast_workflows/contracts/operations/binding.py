"""What a task queue is bound to: one app and one state database."""

from ..base import Contract


class Binding(Contract):
    """The app that a task queue belongs to, and the state database that its sessions live in.

    Attributes:
        app: The app's name; empty for one without.
        agents: The agents it served when it was bound; one without a name is known by them.
        module: What it was loaded from, for messages.
        database: The database's identity.
        place: Where the database was, without a password, for messages.
    """

    app: str = ""
    agents: tuple[str, ...] = ()
    module: str = ""
    database: str = ""
    place: str = ""

    @property
    def title(self) -> str:
        """The app, as messages name it."""
        return repr(self.app) if self.app else f"{self.module or 'an app without a name'}"

    @property
    def told(self) -> str:
        """The app and its database, as messages name them."""
        return f"{self.title} on database {self.database} at {self.place}"
