"""Commands about tickets: calls whose result comes later."""
