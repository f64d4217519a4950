"""What a session reports: to the Temporal UI, to the audit log, to metrics."""
