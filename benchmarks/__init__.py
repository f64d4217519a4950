"""Performance, compared with the smallest hand-written Temporal workflow that does the same."""
