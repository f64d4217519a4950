"""Secrets: references and redaction."""
