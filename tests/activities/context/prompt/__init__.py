"""A prompt and its parts."""
