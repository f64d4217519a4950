"""``benchmarks/ALERTS.md``: one section for the faults, one for the normal load."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..processes import ROOT

PAGE = ROOT / "benchmarks/ALERTS.md"
_HEAD = (
    "# Alerts in a live run\n\n"
    "Written by `python -m benchmarks.alerts`: real Prometheus, Alertmanager, Temporal, workers and prober, and the rules"
    " and the routing of `deploy/`. The channels are servers of the run.\n"
)
_CHANNELS = {"critical": ["chat", "pager"], "warning": ["chat", "e-mail"]}


@dataclass
class Seen:
    """What one alert did: seconds after the fault's begin, and after its end."""

    alert: str
    fault: str
    fired: float | None
    cleared: float | None
    channels: list[str]
    resolved: list[str]
    inhibited: bool

    def good(self, severity: str) -> bool:
        """Whether it fired, cleared, and arrived at each channel unless another alert inhibits it."""
        wanted = _CHANNELS[severity]
        arrived = self.inhibited or (self.channels == wanted and self.resolved == wanted)
        return arrived and self.fired is not None and self.cleared is not None

    def row(self, severity: str) -> str:
        """A row of the table."""
        channels = "inhibited" if self.inhibited else ", ".join(self.channels)
        resolved = "inhibited" if self.inhibited else ", ".join(self.resolved)
        verdict = "yes" if self.good(severity) else "**no**"
        return (
            f"| {self.fault} | {self.alert} | {severity} | {_seconds(self.fired)} | {channels} "
            f"| {_seconds(self.cleared)} | {resolved} | {verdict} |"
        )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


def kept_rows() -> dict[str, str]:
    """The rows of the page by alert. A run of some faults replaces only theirs."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return {row.split("|")[2].strip(): row for row in re.findall(r"^\|.* Holdfast.*$", text, re.MULTILINE)}


def faults_text(rows: Mapping[str, str], known: Iterable[str], speed: float) -> str:
    """The section of the faults, from its rows by alert."""
    others = sorted({*known} - rows.keys() - {"HoldfastWatchdog"})
    return (
        f"All times of rules and routing are divided by {speed:g}. Thresholds of hours and days stand for some seconds,"
        " and the memory limit is set just above what a worker uses. Times are measured from the fault's begin and end.\n\n"
        "| fault | alert | severity | fired after | arrived by | cleared after | resolved by | good |\n"
        "|---|---|---|---|---|---|---|---|\n" + "\n".join(rows.values()) + "\n\n"
        f"Shown by promtool only: {', '.join(others)}.\n"
    )


def normal_text(minutes: float, turns: Mapping[str, int], fired: Sequence[str]) -> str:
    """The section of the normal load."""
    ended = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(turns.items()))
    return (
        f"{minutes:g} minutes of normal load at normal speed with the rules unchanged; turns: {ended}. "
        f"Alerts that fired: {', '.join(fired) or 'none'}.\n"
    )


def write(section: str, text: str) -> None:
    """Replace a section of the page."""
    parts = dict(
        re.findall(
            r"^## (\w+)\n\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8") if PAGE.exists() else "", re.M | re.S
        )
    )
    parts[section.capitalize()] = text
    PAGE.write_text(
        _HEAD + "".join(f"\n## {name}\n\n{parts[name].strip()}\n" for name in sorted(parts)), "utf-8"
    )
