"""One model call and everything that guards it: prompt, fallback, breaker, rate limits, budget."""
