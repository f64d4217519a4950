"""One turn: model steps, tool calls, fallbacks, undo, and how it ends."""
