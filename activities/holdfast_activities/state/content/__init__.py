"""Data of sessions besides the log: manifests, cached replies, erasure, resets."""
