"""The programs of the patterns of teams."""
