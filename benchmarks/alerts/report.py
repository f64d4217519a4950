"""``benchmarks/ALERTS.md``: one section for the faults, one for the normal load."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..steps.processes import ROOT
from .faults import FAULTS

PAGE = ROOT / "benchmarks/ALERTS.md"
_HEAD = (
    "# Alerts in a live run\n\n"
    "Written by `python -m benchmarks.alerts`: real Prometheus, Alertmanager, Temporal, Weaviate, workers and prober, and"
    " the rules and the routing of `deploy/`. The channels are servers of the run.\n"
)
_CHANNELS = {"critical": ["chat", "pager"], "warning": ["chat", "e-mail"]}
_GOOD = "| yes |"


@dataclass
class Seen:
    """What one alert did: seconds after the fault's begin, and after its end."""

    alert: str
    fault: str
    severity: str
    fired: float | None
    cleared: float | None
    channels: list[str]
    resolved: list[str]

    @property
    def good(self) -> bool:
        """Whether it fired, cleared, and arrived at each channel of its severity."""
        wanted = _CHANNELS[self.severity]
        return self.channels == self.resolved == wanted and None not in (self.fired, self.cleared)

    @property
    def row(self) -> str:
        """A row of the table."""
        channels, resolved = ", ".join(self.channels) or "–", ", ".join(self.resolved) or "–"
        return (
            f"| {self.fault} | {self.alert} | {self.severity} | {_seconds(self.fired)} | {channels} "
            f"| {_seconds(self.cleared)} | {resolved} {_GOOD if self.good else '| **no** |'}"
        )


@dataclass
class Others:
    """Other alerts that fired during a fault: its consequences, and those that it does not explain."""

    fault: str
    consequences: set[str]
    unrelated: set[str]

    @property
    def row(self) -> str:
        """A row of the table."""
        return f"| {self.fault} | {_names(self.consequences)} | {_names(self.unrelated)} |"


@dataclass
class Rows:
    """The rows of the section, by alert and by fault."""

    alerts: dict[str, str]
    others: dict[str, str]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "–"


def kept(seen: Iterable[Seen], others: Iterable[Others]) -> Rows:
    """The rows of the page with new ones. A run of some faults replaces only theirs."""
    text = _sections().get("Faults", "")
    rows = [row for row in text.splitlines() if row.startswith("| ")]
    alerts = {row.split("|")[2].strip(): row for row in rows if row.count("|") > 4}
    by_fault = {row.split("|")[1].strip(): row for row in rows if row.count("|") == 4}
    new = {each.fault: each for each in others}
    by_fault = {fault: row for fault, row in by_fault.items() if fault not in new}
    by_fault |= {fault: each.row for fault, each in new.items() if each.consequences | each.unrelated}
    return Rows(alerts | {each.alert: each.row for each in seen}, by_fault)


def faults_text(rows: Rows, known: Iterable[str], speed: float) -> str:
    """The section of the faults."""
    order = [name for each in FAULTS for name in each.alerts]
    found = [rows.alerts[name] for name in order if name in rows.alerts]
    others = [rows.others[each.name] for each in FAULTS if each.name in rows.others]
    missing = sorted({*known} - rows.alerts.keys() - {"HoldfastWatchdog"})
    good = sum(row.endswith(_GOOD) for row in found)
    total = len({*known} - {"HoldfastWatchdog"})
    return (
        f"**{good} of {total} alerts** fired, arrived by the channels of their severity, cleared and were resolved.\n\n"
        f"All times of rules and routing are divided by {speed:g}. Thresholds of hours and days stand for some seconds,"
        " and the memory limit is set just above what a worker uses. Times are measured from the fault's begin and end."
        " Faults that do not touch each other are injected at the same time.\n\n"
        "| fault | alert | severity | fired after | arrived by | cleared after | resolved by | as expected |\n"
        "|---|---|---|---|---|---|---|---|\n"
        + "".join(f"{row}\n" for row in found)
        + (f"\nShown by promtool only: {', '.join(missing)}.\n" if missing else "")
        + "\nOther alerts that began to fire during a fault. The fault explains its consequences, and not the others, which"
        " have three causes: faults injected at the same time; one machine for all processes, where tasks wait and event"
        " loops are late under the load; and the thresholds of seconds.\n\n"
        "| fault | its consequences | others |\n|---|---|---|\n" + "".join(f"{row}\n" for row in others)
    )


def normal_text(minutes: float, turns: Mapping[str, int], fired: Sequence[str]) -> str:
    """The section of the normal load."""
    ended = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(turns.items()))
    return (
        f"{minutes:g} minutes of normal load at normal speed with the rules unchanged; turns: {ended}. "
        f"Alerts that fired: {', '.join(fired) or 'none'}.\n"
    )


def write(section: str, text: str) -> None:
    """Replace a section of the page; the others stay."""
    parts = _sections()
    parts[section.capitalize()] = text
    PAGE.write_text(
        _HEAD + "".join(f"\n## {name}\n\n{parts[name].strip()}\n" for name in sorted(parts)), "utf-8"
    )


def _sections() -> dict[str, str]:
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", text, re.M | re.S))
