"""``holdfast dev``: an embedded Temporal server and worker processes, started and ended together.

run       the command: load the App, start the server, serve, end
summary   what is printed at the start
workers   the worker processes, restarted when they die and replaced when a file changes
child     one worker process, seen from the command
standby   the same process, seen from inside: it loads the App, then waits for the server's address
loaded    what a worker process reports about its App
changes   the changed files of the App, for ``--reload``
"""
