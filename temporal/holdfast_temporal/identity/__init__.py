"""Credentials of clients: exchanging them for assertions, and signing requests.

credentials   a credential, and the places that it can come from
exchange      the workflow of a task queue that exchanges credentials
grants        the current grant of a client, renewed before it expires
signing       the interceptor that signs requests
"""

from .credentials import CredentialSource
from .exchange import ensure as ensure_exchange
from .grants import Grants, OwnGrants
from .signing import signed_client

__all__ = ["CredentialSource", "Grants", "OwnGrants", "ensure_exchange", "signed_client"]
