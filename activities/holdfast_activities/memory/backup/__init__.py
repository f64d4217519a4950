"""Memories in backups, of any store: reading them in pages, and writing them into any store.

rows        memories as rows of a backup, encrypted by the deployment's keys
reading     all memories of a store, in pages
comparing   whether a store has the memories of a backup
restoring   writing them into a store, embedding them again if its model differs
erasures    what was erased after the backup
"""
