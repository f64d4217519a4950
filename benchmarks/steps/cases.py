"""The workloads, and the systems that do them in turn."""

from dataclasses import dataclass
from typing import Final, Literal

System = Literal[
    "floor",
    "floor, unsandboxed",
    "ordinary",
    "inline",
    "ordinary, guarded",
    "inline, guarded",
    "ordinary, observed",
    "inline, observed",
    "ordinary, streaming",
    "inline, streaming",
    "large results",
]

Worker = Literal["floor", "floor, unsandboxed", "holdfast", "holdfast, observed"]
"""Worker processes: one for each floor, one for Holdfast, and one that serves metrics and sends spans."""

PLAIN: Final[tuple[System, ...]] = ("floor", "floor, unsandboxed", "ordinary", "inline")
STREAMING: Final[tuple[System, ...]] = (*PLAIN, "ordinary, streaming", "inline, streaming")
GUARDED: Final[tuple[System, ...]] = ("ordinary", "ordinary, guarded", "inline", "inline, guarded")
OBSERVED: Final[tuple[System, ...]] = (
    "floor",
    "floor, unsandboxed",
    # Those that are compared, one after the other: the speed of a machine changes within minutes.
    "ordinary",
    "ordinary, observed",
    "inline",
    "inline, observed",
)


@dataclass(frozen=True)
class Workload:
    """Work that each of ``systems`` does in every round.

    Attributes:
        name: Its name in tables.
        steps: Model calls that ask for tools; one more gives the final reply.
        systems: In the order in which they are measured.
        calls: Tool calls per step.
        at_once: Concurrent runs.
        repeat: Repetitions per sample: the kernel counts processor time in hundredths of a second.
        rounds: Most rounds.
    """

    name: str
    steps: int
    systems: tuple[System, ...] = PLAIN
    calls: int = 1
    at_once: int = 1
    repeat: int = 1
    rounds: int = 100

    @property
    def total_steps(self) -> int:
        """Steps of one sample."""
        return self.steps * self.at_once * self.repeat


WORKLOADS: Final = (
    Workload("1 step", 1, repeat=20),
    Workload("5 steps", 5, repeat=8),
    Workload("20 steps", 20, STREAMING, repeat=3),
    Workload("100 steps", 100, STREAMING, repeat=2),
    # Guards cost a few hundredths; two runs are too few to measure that.
    Workload("5 runs of 100 steps", 100, GUARDED, repeat=5),
    Workload("50 runs at once, 20 steps", 20, OBSERVED, at_once=50),
    Workload("20 steps of 8 calls", 20, calls=8, repeat=2),
    Workload("1000 steps", 1_000, rounds=1),
    Workload("300 steps, large", 300, ("large results",), rounds=1),
)


def chosen(*, quick: bool, only: str) -> list[Workload]:
    """The workloads to do: without the longest ones if ``quick``; ``only`` has parts of names, with commas."""
    found = [work for work in WORKLOADS if not (quick and work.rounds == 1)]
    parts = [part.strip() for part in only.split(",") if part.strip()]
    return [work for work in found if not parts or any(part in work.name for part in parts)]
