"""Health, logs, metrics and the event loop watchdog."""
