"""Cases: a step of a session with recorded results, and what is expected of an agent that takes it again."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ..base import Contract
from ..limits import MAX_NAME
from ..public import public
from ..session.entries import Entry, UserEntry
from .forks import Reads

Quantity = Literal["cost", "seconds", "steps", "tokens"]


@public
class ExpectStatus(Contract):
    """The turn ends with this status."""

    kind: Literal["status"] = "status"
    status: Literal["done", "failed", "cancelled"] = "done"


@public
class ExpectText(Contract):
    """The reply contains a text, or does not (``absent``). With ``pattern`` the text is a regular expression.

    Upper and lower case do not differ.
    """

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1)
    pattern: bool = False
    absent: bool = False


@public
class ExpectCall(Contract):
    """The agent asks for a call of the tool, with at least these arguments; exactly so many ``times`` if given.

    ``times=0`` expects no such call.
    """

    kind: Literal["call"] = "call"
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict[str, Any])
    times: int | None = Field(default=None, ge=0)


@public
class ExpectOutput(Contract):
    """A value of a structured reply: ``path`` names it by keys and indexes with dots (``items.0.price``)."""

    kind: Literal["output"] = "output"
    path: str = ""
    equals: Any = None


@public
class ExpectAtMost(Contract):
    """A limit: ``cost`` in US dollars, ``seconds`` of model calls, ``steps``, or ``tokens``."""

    kind: Literal["at_most"] = "at_most"
    what: Quantity
    limit: float


@public
class ExpectJudge(Contract):
    """A model judges the reply. It reads the request, the expected reply if the case has one, and the question."""

    kind: Literal["judge"] = "judge"
    question: str = "Is the reply at least as good for the user as the expected one?"


@public
class ExpectFunction(Contract):
    """A Python function scores the outcome: ``module:function``, called with the case and the outcome.

    It returns a bool, a number from 0 to 1, or such a value with a reason.
    """

    kind: Literal["function"] = "function"
    function: str = Field(pattern=r"^[\w.]+:\w+$")


Expectation = Annotated[
    ExpectStatus | ExpectText | ExpectCall | ExpectOutput | ExpectAtMost | ExpectJudge | ExpectFunction,
    Field(discriminator="kind"),
]


@public
class CaseSource(Contract):
    """Where a case was saved from, with what the session did from the step on."""

    session: str = ""
    saved: str = ""
    """The time, as ISO 8601."""
    models: tuple[str, ...] = ()
    steps: int = 0
    cost: float = 0.0
    seconds: float = 0.0


@public
class Case(Contract):
    """A step of a turn that an agent takes again, and what is expected of it.

    ``entries`` are the log to the end of that turn: those before ``seq`` are what the agent reads, the others have the
    recorded results. A case that is written by hand has a ``message`` instead.
    """

    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=MAX_NAME)
    agent: str
    message: str = ""
    turn: int = 1
    step: int = 1
    seq: int = 2
    expected: str = ""
    """The reply that was given, or that is wanted."""
    expectations: tuple[Expectation, ...] = ()
    reads: Reads = "recorded"
    user: str = ""
    source: CaseSource | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def log(self) -> tuple[Entry, ...]:
        """The entries; of a case with a message, that message."""
        return self.entries or (UserEntry(seq=1, turn=self.turn, text=self.message),)

    @property
    def request(self) -> str:
        """The message of the turn."""
        said = (
            entry.text
            for entry in self.log
            if isinstance(entry, UserEntry) and entry.role == "message" and entry.turn == self.turn
        )
        return next(said, "")
