"""The audit log: records in one chain of hashes for each tenant."""
