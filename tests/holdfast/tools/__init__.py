"""Tools as users declare them."""
