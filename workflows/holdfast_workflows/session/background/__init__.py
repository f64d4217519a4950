"""Work beyond the turn: settle, remember, compact."""
