"""The types that cross the Temporal boundary, and the names, limits and errors that all rooms share."""
