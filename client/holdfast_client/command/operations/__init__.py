"""Commands for operators: breakers, budgets, effects, memory."""
