"""What stands between a failure and the run: classification, retries, breakers, limits."""
