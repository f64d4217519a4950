"""Sizes and counts for all rooms, in bytes unless the name says otherwise.

Temporal refuses a payload over 2 MiB and a gRPC message over 4 MiB. A workflow task that schedules a larger
one would fail and be retried forever. So everything is measured before it is scheduled, and large content goes
to the session's log and is passed by reference.
"""

INLINE_TEXT = 4_096
"""Text up to this size is in histories; longer text is in the log, with a reference."""

INLINE_ARGUMENTS = 2_048
"""Tool arguments up to this size are shown whole in the activity's input."""

PREVIEW_CHARS = 200
"""Characters of a text in histories, lists and details."""

SHOWN_CHARS = 60
"""Characters of a text within a summary, or at the beginning of a result, which the Temporal UI shows on one line."""

MAX_NAME = 200
"""Characters of a name or id: they are search attributes and keys, and each continue-as-new carries many."""

MAX_MESSAGE = 1_000_000
"""The largest user message; fits one payload with room for its envelope."""

MAX_INSTRUCTIONS = 200_000
"""The largest text that an instructions function may return; also the most of a text that ``prompt`` shows."""

MAX_RESULT = 16_777_216
"""The largest tool result that is stored; a larger one becomes an error for the model."""

MAX_PAYLOAD = 1_500_000
"""The largest activity input, result or update."""

MAX_QUEUED_MESSAGES = 100
"""User messages that may be queued in one session."""

MAX_QUEUED_BYTES = 700_000
"""The size of queued messages as JSON from which no more are accepted. A continue-as-new carries all of them in
one payload, where control characters take six bytes each."""

MAX_WAITERS = 5
"""Updates that may wait for a turn at once. Temporal allows ten in flight per workflow, and sends, pauses and
cancels must always have room."""

MAX_CALLS = 100
"""Tool calls in one reply; more are refused as invalid."""

MOST_TOOLS = 128
"""Tools that OpenAI takes in one request."""

LONGEST_DESCRIPTION = 1_024
"""Characters of a tool's description that OpenAI takes."""

MAX_HANDOFFS = 8
"""Handoffs between agents in one turn; further ones are refused, so that agents cannot pass a message around."""

SEQ_GAP = 1_000
"""Sequence numbers that are skipped after a failed or cancelled step, so that late writes of a lost worker
never collide with the session's next writes. More than inline steps can use."""

MAX_BOARD_TEXT = 65_536
"""Characters of an entry of a board; models read several at once."""

MAX_BOARD_ENTRIES = 1_000
"""Entries of a board, which a model lists in one call."""

MAX_DEPTH = 5
"""Levels of child sessions below a root, so that agents cannot delegate to each other without end."""

MAX_CHILDREN = 100
"""Child sessions of one call."""

MAX_SESSION_CHILDREN = 1_000
"""Child sessions of one session, so that a model cannot start them without end."""

MAX_ITEMS = 100_000
"""Items of a fleet; a continue-as-new carries a letter and a digit for each."""

MAX_CONCURRENCY = 500
"""Items of a fleet at once. Temporal allows 2,000 open children of one workflow."""

MORE_ATTEMPTS = 2
"""Attempts that an adaptive retry policy may add to those declared."""

SLOWER = 4.0
"""The factor by which an adaptive retry policy may lengthen its delays, up to ``max_delay``."""

QUEUE_TIMEOUT = 300.0
"""Seconds that a call waits by default for a worker of its service queue."""

QUEUE_NOTICE = 15.0
"""Seconds without a worker of its service queue after which a call is shown as waiting."""

DEFAULT_MAX_WAIT = 3_600.0
"""Seconds that a turn may wait by default while no provider can be called."""
