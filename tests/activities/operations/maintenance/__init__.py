"""Tasks of maintenance."""
