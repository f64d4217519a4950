"""Commands for sessions and turns."""
