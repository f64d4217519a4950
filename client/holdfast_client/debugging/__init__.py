"""Debugging: where the time of a session went, and what stands out.

records         what a history says: activities, timers, requests, statuses, failed workflow tasks
spans           the parts of a trace, and the shares of a turn
activity_spans  the spans of one activity
building        spans and turns from records
findings        what stands out
tracing         reading what a trace needs
bundle          bundles: writing and reading the file
exporting       exporting a session to a bundle
imported        reading a session from a bundle
imports         the folder of imported bundles
patterns        how turns and calls went in a period
methods         the methods of a session
"""
