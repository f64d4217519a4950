"""The command line.

start       the ``holdfast`` script
main        the commands, and those of other packages
common      options, execution, exit codes, output
chat        chat
sessions    run, send, watch, show, prompt, sessions, agents, pause, resume, steer, cancel, close, repin
operations  effects, answer, approve, reject, delegate, budget, budgets, breakers, breaker, memory

Temporal's client is imported only when a command runs, so that --help is fast.
"""

from .start import main

__all__ = ["main"]
