"""Seeded faults: what names each of them, and how long that takes. ``python -m benchmarks.faults``."""
