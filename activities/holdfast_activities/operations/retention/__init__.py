"""Retention: requests for its rules and for legal holds, and the task that removes what is past its time."""
