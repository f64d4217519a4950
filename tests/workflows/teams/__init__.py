"""Teams: sessions that share a board, hand off, and start other sessions."""
