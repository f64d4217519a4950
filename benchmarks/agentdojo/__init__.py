"""AgentDojo's attacks, obeyed by the model: how many succeed without permissions and with them."""
