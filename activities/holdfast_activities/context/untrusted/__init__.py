"""Content that is not trusted, or not to leave: frames, links, personal data."""
