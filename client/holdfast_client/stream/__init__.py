"""Events of a running session.

snapshot       the state of a session at one poll
reading        read a snapshot
items          session events, also from the log
text_stream    the text of one step
event_mapping  events other than steps and calls
follower       from snapshots to stream events
events         the stream events
streaming      the polling loop
"""
