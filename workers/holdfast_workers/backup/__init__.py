"""The commands ``backup`` and ``restore``, and the schedule of backups."""
