"""The tables in docs/metrics.md, written from the metrics; run it as a module to bring them up to date."""

from collections.abc import Iterator

from holdfast_workflows.contracts.operations.metrics import METRICS, Source
from tests.house.lengths import ROOT

PAGE = ROOT / "docs/metrics.md"
HEAD = "| metric | kind | labels | meaning |\n|---|---|---|---|\n"


def table(source: Source) -> str:
    """The metrics of workers, or of the probe."""
    return HEAD + "".join(_rows(source))


def _rows(source: Source) -> Iterator[str]:
    for metric in METRICS:
        if metric.source == source:
            labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
            yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |\n"


def rewrite() -> None:
    """Replace the page's tables by the current ones; each ends at the first empty line."""
    before, workers, probe = PAGE.read_text("utf-8").split(HEAD)
    middle, end = (part.partition("\n\n")[2] for part in (workers, probe))
    PAGE.write_text(f"{before}{table('worker')}\n{middle}{table('probe')}\n{end}", "utf-8")


if __name__ == "__main__":
    rewrite()
