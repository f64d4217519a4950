"""Current details of a maintenance run for the Temporal UI."""

from collections.abc import Sequence

from holdfast_workflows.contracts.agent.memory import TaskReport
from holdfast_workflows.contracts.text.unicode import plain_markdown


def render(reports: Sequence[TaskReport], running: str = "") -> str:
    """Render a table of the tasks done and the running one."""
    rows = [
        f"| {each.task} | {each.count:,} | {each.seconds:.1f} s | {plain_markdown(each.error) or 'done'} |"
        for each in reports
    ]
    if running:
        rows.append(f"| {running} |  |  | runs now |")
    return "\n".join(["| task | touched | took | |", "|---|---|---|---|", *rows])
