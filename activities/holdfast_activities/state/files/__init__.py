"""The file store: state in plain files, with an index in SQLite that each start makes of them.

names       snapshots and journals in a folder
lines       lines of a journal: sealed, read, cut off
journal     appending to a journal
capture     connections that write a transaction's changes to the journal before they commit it
loading     making the index from the newest good snapshot and the journals that follow it
snapshots   writing a snapshot while others write, and deleting what is not kept
store       opening a folder, alone or to read
"""
