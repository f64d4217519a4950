"""Chaos: many runs at once, drawn from a seed, while processes are killed and providers fail; judged from outside."""
