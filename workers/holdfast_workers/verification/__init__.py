"""The commands ``state verify`` and ``state repair``: the state database against the histories of its sessions.

history      what a session's history says that the database has
sessions     the sessions of a task queue, and their histories
command      the commands
"""
