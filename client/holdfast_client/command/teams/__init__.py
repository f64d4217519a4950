"""Commands about teams: sessions that start other sessions."""
