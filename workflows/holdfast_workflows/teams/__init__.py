"""Child sessions, for every workflow that starts some.

child_sessions   start one, and its outcome
"""
