"""The write-once log of sessions, in SQLite and PostgreSQL."""
