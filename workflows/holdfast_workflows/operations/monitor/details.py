"""Current details of a monitor run for the Temporal UI."""

from holdfast_workflows.contracts.operations.monitor import MonitorReport
from holdfast_workflows.contracts.text.unicode import plain_markdown


def render(report: MonitorReport) -> str:
    """Render the recommendations as a table."""
    if not report.recommendations:
        return "Nothing to recommend."
    rows = [
        f"| {each.kind} | {plain_markdown(each.subject)} | {plain_markdown(each.why)} | {plain_markdown(each.action)} |"
        for each in report.recommendations
    ]
    return "\n".join(["| recommendation | of | because | do |", "|---|---|---|---|", *rows])
