"""What the Temporal UI shows of a run of maintenance."""

from collections.abc import Sequence

from holdfast_workflows.contracts.memory import TaskReport
from holdfast_workflows.contracts.text import plain_markdown


def render(reports: Sequence[TaskReport], running: str = "") -> str:
    """A table of what each task did, with the one that runs now."""
    rows = [
        f"| {each.task} | {each.count:,} | {each.seconds:.1f} s | {plain_markdown(each.error) or 'done'} |"
        for each in reports
    ]
    if running:
        rows.append(f"| {running} |  |  | runs now |")
    return "\n".join(["| task | touched | took | |", "|---|---|---|---|", *rows])
