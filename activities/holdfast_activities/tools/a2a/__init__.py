"""Remote agents by A2A: requests behind the egress guard, tasks, calls."""
