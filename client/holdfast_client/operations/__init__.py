"""What operators read and change: lists, memories, effects, breakers, budgets, erasure."""
