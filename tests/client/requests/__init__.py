"""Tests of the client's requests."""
