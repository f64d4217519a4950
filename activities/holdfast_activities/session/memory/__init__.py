"""Recall, remember and compact: the session's activities for memory and summaries."""
