"""What the memories in PostgreSQL do besides what every store does."""
