"""Backups of the state database: a consistent copy in one file, restoring it, and drills that prove it.

rows        tables of either database as rows, and their checksums
file        the file: compressed lines of JSON with checksums
folder      a folder of dated backups: newest good one, thinning
writing     making a backup while workers run
restoring   restoring into an empty database of either kind
drill       restoring into a scratch place, and reading everything
archiving   whether PostgreSQL can be restored to a point in time
"""
