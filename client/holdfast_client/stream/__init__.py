"""Streaming: what happens in a session, as it happens.

snapshot   what one look at a session shows
reading    taking a look
items      what happened, in order
speech     the text of a step
asides     what is told beside the steps
follower   from looks to events
events     what a stream tells
streaming  the pace of looking
"""
