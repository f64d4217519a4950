"""What the monitor observes, and the change that it may make."""
