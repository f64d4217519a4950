"""Types of an agent's declaration: app, spec, tools, budget, fallbacks, memory."""
