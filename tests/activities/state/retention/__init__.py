"""Rules of retention, legal holds and removals, on both databases."""
