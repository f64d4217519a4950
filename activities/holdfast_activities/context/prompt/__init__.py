"""A prompt and its parts: built, shortened, counted."""
