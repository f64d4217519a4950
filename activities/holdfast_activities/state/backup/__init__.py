"""Backups of the state database and of memories: a consistent copy in one file, restoring it, and drills that prove it.

rows        tables of either database as rows, and their checksums
file        the file: compressed lines of JSON with checksums
folder      a folder of dated backups: newest good one, thinning
memories    the memories in a backup, and what a memory store does for it
writing     making a backup while workers run
restoring   restoring into an empty database of either kind
drill       restoring into a scratch place, and reading everything
archiving   whether PostgreSQL can be restored to a point in time
"""
