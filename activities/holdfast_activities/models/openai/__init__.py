"""The OpenAI wire format: requests and replies."""
