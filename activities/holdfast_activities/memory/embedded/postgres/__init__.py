"""The store's tables and statements in PostgreSQL."""
