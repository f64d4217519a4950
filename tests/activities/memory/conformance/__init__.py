"""What every memory store does; ``store`` is each of them in turn."""
