"""Approvals of calls: canonical arguments, signatures, and the check before a call runs."""
