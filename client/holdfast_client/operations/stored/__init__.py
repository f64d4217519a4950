"""What workers store: content, memories and boards; its erasure and its retention."""
