"""Who acts, and what is recorded of it: principals and audit records."""
