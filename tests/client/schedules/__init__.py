"""Schedules: tasks by cron or at an interval."""
