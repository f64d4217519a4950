"""An app as A2A agents: a card for each agent, a session for each context, a turn for each task."""
