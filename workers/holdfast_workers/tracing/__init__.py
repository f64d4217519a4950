"""Spans by OpenTelemetry. Imported only by workers that trace.

opening       from the settings
recorder      makes spans, with derived ids for those of turns
spool         keeps spans on disk until they are exported, so that a killed worker loses none
records       spans as lines of the spool
exporting     sends spans, those of killed workers too
"""
