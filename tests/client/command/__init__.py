"""Tests of the client's command."""
