"""Reading and writing records in a transaction."""
