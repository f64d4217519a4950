"""The types that cross the Temporal boundary, and the names, limits and errors all rooms share."""
