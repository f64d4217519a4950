"""Tests of the client's operations."""
