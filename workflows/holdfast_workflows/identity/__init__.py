"""The workflow that exchanges credentials, and the checks of requests to workflows."""

from .workflow import IdentityWorkflow

__all__ = ["IdentityWorkflow"]
