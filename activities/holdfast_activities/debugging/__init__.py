"""What people need to find out what happened.

configuration   what a session runs with
patterns        counts, durations and errors of a period
"""
