"""An app as A2A agents, used by the client of the ``a2a`` package."""
