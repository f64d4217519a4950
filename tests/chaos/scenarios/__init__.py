"""One file for each thing that is made to go wrong."""
