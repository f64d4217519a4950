"""What is kept of sessions besides the log: prompts, cached replies, erasure, resets."""
