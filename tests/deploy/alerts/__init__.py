"""Alert rules and their routing, checked by promtool and amtool."""
