"""The main job, watched: ``python -m examples.analyst.demo [--data FILE] [--question TEXT]``.

The analyst answers a question about a CSV on a real Temporal server. In the middle its
worker is killed with SIGKILL; another takes over and finishes.
"""
