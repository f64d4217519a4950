"""What the session's activities share."""
