"""Retention: its rules, legal holds, and the removal of what is past its time."""
