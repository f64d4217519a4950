"""Commands of encryption: the codec server, and changing keys."""
