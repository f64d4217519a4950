"""Errors of remote agents."""

from .runs import ToolFailed


class A2aAccessDenied(ToolFailed, code="a2a_access_denied", retryable=False):
    """The remote agent refused the credentials; renew what A2AAgent(headers=…) refers to."""
