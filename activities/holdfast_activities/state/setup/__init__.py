"""Location, tables, migration, connection and identity of the state database."""
