"""Tasks of maintenance besides those of memories and retention."""
