"""Tests of replays under the debugger."""
