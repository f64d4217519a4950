"""What operators ask for, and what maintenance does."""
