"""Options, output and exit codes of the command line."""
