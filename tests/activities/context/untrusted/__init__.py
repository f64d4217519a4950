"""Content that is not trusted, or not to leave."""
