"""Schedules: tasks by cron or at an interval.

schedules   the methods of the client
making      a schedule of Temporal from its options
reading     a schedule of Temporal as its view
"""
