"""Tests of the client's stream."""
