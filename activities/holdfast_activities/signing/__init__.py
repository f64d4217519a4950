"""The deployment's signing key: Ed25519 signatures of audit heads and approvals."""
