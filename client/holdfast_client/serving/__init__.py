"""What the servers of other protocols share: callers, tokens."""
