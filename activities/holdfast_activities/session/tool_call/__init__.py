"""One tool call: carried out, claimed in the effect ledger, resolved, undone."""
