"""Payloads and failures without secrets: what leaves the deployment in a bundle."""

from __future__ import annotations

import json

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from holdfast_workflows.contracts.text.redaction import redact, redact_error, redact_value

from .messages import within


def redact_message(message: Message) -> None:
    """Replace secrets in every payload and failure within a message in place.

    A replay of a redacted history takes the same decisions: the workflow compares no secrets.
    """
    for payload in within(message, Payload):
        if payload.metadata.get("encoding") != b"json/plain":
            continue
        try:
            value = json.loads(payload.data)
            redacted = redact_value(value)
            if redacted != value:
                payload.data = json.dumps(redacted, separators=(",", ":")).encode()
        except (ValueError, RecursionError):  # a client may send anything in a signal
            payload.data = redact(payload.data.decode("utf-8", "replace")).encode()
    for failure in within(message, Failure):
        failure.message, failure.stack_trace = redact_error(failure.message), redact(failure.stack_trace)
