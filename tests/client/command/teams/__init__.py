"""The commands about teams."""
