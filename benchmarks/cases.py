"""What is measured: workloads, and the systems that do them in turn."""

from dataclasses import dataclass
from typing import Final, Literal

System = Literal[
    "floor",
    "floor, unsandboxed",
    "ordinary",
    "bursts",
    "ordinary, guarded",
    "bursts, guarded",
    "ordinary, watched",
    "bursts, watched",
    "large results",
]

PLAIN: Final[tuple[System, ...]] = ("floor", "floor, unsandboxed", "ordinary", "bursts")
WATCHED: Final[tuple[System, ...]] = (*PLAIN, "ordinary, watched", "bursts, watched")
GUARDED: Final[tuple[System, ...]] = ("ordinary", "ordinary, guarded", "bursts", "bursts, guarded")


@dataclass(frozen=True)
class Workload:
    """Work that every one of ``systems`` does in each round.

    Attributes:
        name: How it is called in tables.
        steps: Model calls that ask for tools; one more answers.
        systems: Who does it, in this order.
        calls: Tool calls of each step.
        at_once: Runs that go on at the same time.
        repeat: How often it is done for one sample, so that a short run is measured at all:
            the kernel counts processor time in hundredths of a second.
        rounds: At most so many rounds.
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
    Workload("5 steps", 5, repeat=8),
    Workload("20 steps", 20, WATCHED, repeat=3),
    Workload("100 steps", 100, WATCHED, repeat=2),
    # What guards cost is a few hundredths, and two runs say little about so little.
    Workload("5 runs of 100 steps", 100, GUARDED, repeat=5),
    Workload("50 runs at once, 20 steps", 20, at_once=50),
    Workload("20 steps of 8 calls", 20, calls=8, repeat=2),
    Workload("1000 steps", 1_000, rounds=1),
    Workload("300 steps, large", 300, ("large results",), rounds=1),
)


def chosen(*, quick: bool, only: str) -> list[Workload]:
    """The workloads to do.

    Args:
        quick: Leave out the longest ones.
        only: Parts of names, separated by commas; empty for all.
    """
    found = [work for work in WORKLOADS if not (quick and work.rounds == 1)]
    parts = [part.strip() for part in only.split(",") if part.strip()]
    return [work for work in found if not parts or any(part in work.name for part in parts)]
