"""The Anthropic wire format: requests and replies."""
