"""Identity: verifying credentials, and the requests of their principals.

settings     what an identity provider needs
api_keys     the file with the hashes of API keys
tokens       tokens of an OIDC provider, by its public keys
verifier     assertions for credentials, and who makes a request
activities   the check of standalone activities
owners       the tenant and the user of stored sessions
"""

from .settings import IdentitySettings
from .verifier import Verifier

__all__ = ["IdentitySettings", "Verifier"]
