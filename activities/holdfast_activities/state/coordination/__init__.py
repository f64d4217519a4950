"""What all workers share: breakers, rate limits, budgets, effects, outbox."""
