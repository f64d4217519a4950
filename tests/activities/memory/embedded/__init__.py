"""What is special to the embedded memory store."""
