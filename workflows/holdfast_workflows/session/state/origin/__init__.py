"""How a session begins, and whose it is: in the log, as a fork, by a schedule, after a reset."""
