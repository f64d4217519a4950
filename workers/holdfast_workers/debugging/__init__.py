"""Replaying histories, also under a debugger.

replaying   which histories the present code decides differently
stopping    a workflow runner that stops in the debugger
replay      the command
"""
