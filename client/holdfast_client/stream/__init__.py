"""Events of a running session.

snapshot       the state of a session at one poll
reading        read a snapshot
items          session events, also from the log
text_stream    the text of one step
event_mapping  events other than steps
present        events about the present state
position       positions in a stream, which are the ids of events
follower       from snapshots to stream events
events         the stream events
streaming      the polling loop
"""
