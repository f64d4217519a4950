"""Tools that give tasks to other agents.

needed     the request for child sessions, and their outcomes
delegate   the tools' function: prepares the children, and reads their replies
"""
