"""Maintenance of stored memories: merging, conflicts, decay, consolidation, reindexing."""
