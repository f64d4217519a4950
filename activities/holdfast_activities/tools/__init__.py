"""Tools from outside the app: lists, calls and digests."""
