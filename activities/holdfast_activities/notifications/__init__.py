"""Notifications about what waits for people: webhooks, and the services of apprise."""

from .sending import Sender

__all__ = ["Sender"]
