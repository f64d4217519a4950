"""What people need to find out what happened.

recording       what an activity does, while its session is in debug mode
log_lines       log lines at DEBUG of these sessions only
keeping         writing and reading these records
configuration   what a session runs with
patterns        counts, durations and errors of a period
"""
