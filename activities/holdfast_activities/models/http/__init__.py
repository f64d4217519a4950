"""HTTP: connections, exchanges, server-sent events."""
