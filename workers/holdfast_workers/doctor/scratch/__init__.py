"""A scratch deployment on the real Temporal server: its own queue, database, agents and scripted model."""
