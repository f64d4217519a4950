"""A deadline and a circuit breaker around every store and embedder."""
