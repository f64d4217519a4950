"""A2A agents for tests."""
