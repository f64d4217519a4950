"""Teams: sessions that share a board, and that start other sessions."""
