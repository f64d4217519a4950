"""The demo: ``python -m examples.analyst.demo [--data FILE] [--question TEXT]``.

The analyst answers a question about a CSV on a real Temporal server. Halfway its
worker is killed with SIGKILL; another one takes over and finishes.
"""
