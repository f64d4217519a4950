"""What a session knows of the schedule that starts it."""

from ..base import Contract


class Scheduled(Contract):
    """The schedule that starts a session."""

    schedule: str
    when: str = ""
    """The cron expression, or ``every`` with seconds, as it was given."""
    time_zone: str = "UTC"
    grant: str = ""
    """A worker's signature that the schedule's sessions may act for its principal."""
