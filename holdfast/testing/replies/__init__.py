"""Replies of the scripted model: faults, variants, wire formats."""
