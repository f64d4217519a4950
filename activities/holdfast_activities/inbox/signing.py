"""Signatures of approvals and answers, over their canonical JSON."""

from typing import Final, TypeVar

from holdfast_activities.signing.keys import Signed, SigningKeys
from holdfast_workflows.contracts.control.approvals import Approval, SignedAnswer

_PURPOSES: Final = {Approval: "approval", SignedAnswer: "answer"}

S = TypeVar("S", Approval, SignedAnswer)


def signed(statement: S, keys: SigningKeys) -> S:
    """The statement with a signature."""
    made = keys.sign(_PURPOSES[type(statement)], _message(statement))
    return statement.model_copy(update={"key": made.key, "signature": made.signature})


def is_genuine(statement: Approval | SignedAnswer, keys: SigningKeys) -> bool:
    """Whether one of the keys has signed exactly this statement."""
    signature = Signed(statement.key, statement.signature)
    return keys.accepts(_PURPOSES[type(statement)], _message(statement), signature)


def _message(statement: Approval | SignedAnswer) -> bytes:
    import rfc8785  # only sessions with approvals need it

    return rfc8785.dumps(statement.model_dump(mode="json", exclude={"key", "signature"}))
