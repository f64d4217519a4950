"""What people need to find out what happened.

configuration   what a session runs with
"""
