"""The tools that workers provide."""
