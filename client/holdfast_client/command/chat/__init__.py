"""The command ``chat``: the conversation, its input, and decisions in it."""
