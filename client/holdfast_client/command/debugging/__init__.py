"""Commands that find out what happened, and why."""
