"""Changes of memories on their way to the store."""
