"""The command line.

main      what the ``holdfast`` script runs: the commands, and those that other packages add
options   what every command takes
running   from a command to the client and to an exit code
exits     exit codes
output    standard output that cannot take everything
printing  JSON for programs, tables for people
screen    a stream on a terminal
tasks     run, send
chat      chat
watching  watch, show
listing   sessions, agents
control   pause, resume, steer, cancel, close, repin
effects   effects, decide
deciding  decisions in a chat
budgets   budget, budgets
breakers  breakers, breaker
context   context
memory    memory search, list, add, forget, stats
upkeep    memory erase, migrate, maintain, schedule

Nothing here imports Temporal's client before a command runs, so that help comes at once.
"""

from .main import main

__all__ = ["main"]
