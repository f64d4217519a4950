"""The memory store and the state database."""

from ..panels import Board, Panel, Row, quantiles

MEMORY = Board(
    "holdfast-memory",
    "Holdfast: memory",
    "The memory store and the state database.",
    [
        Row(
            "Memory store",
            [
                Panel("Memories", {"": "max(holdfast_memories)"}, kind="stat", width=6),
                Panel(
                    "Changes that wait",
                    {"": "max(holdfast_outbox_changes)"},
                    kind="stat",
                    width=6,
                    warn=10,
                    bad=100,
                ),
                Panel("State database", {"": "max(holdfast_state_bytes)"}, "bytes", kind="stat", width=6),
                Panel(
                    "Age of the last backup",
                    {"": "time() - (max(holdfast_backup_success_timestamp_seconds) > 0)"},
                    "s",
                    "No data: there was never a backup, or the prober does not know the folder.",
                    kind="stat",
                    width=3,
                    bad=26 * 3600,
                ),
                Panel(
                    "Age of the last good drill",
                    {"": "time() - (max(holdfast_backup_drill_success_timestamp_seconds) > 0)"},
                    "s",
                    "No data: no drill has proven a backup.",
                    kind="stat",
                    width=3,
                ),
                Panel(
                    "Operations",
                    {
                        "{{operation}}": "sum by (operation) (rate(holdfast_memory_operations_total[$__rate_interval]))"
                    },
                    "ops",
                    stacked=True,
                ),
                Panel(
                    "Error rate",
                    {
                        "{{operation}}": 'sum by (operation) (rate(holdfast_memory_operations_total{outcome!="ok"}[$__rate_interval])) / sum by (operation) (rate(holdfast_memory_operations_total[$__rate_interval]))'
                    },
                    "percentunit",
                    bad=0.1,
                ),
                Panel("Latency", quantiles("holdfast_memory_operation_seconds", "operation"), "s"),
            ],
        ),
        Row(
            "Growth",
            [
                Panel(
                    "Changes that wait for the store", {"changes": "max(holdfast_outbox_changes)"}, bad=100
                ),
                Panel("Size of the state database", {"bytes": "max(holdfast_state_bytes)"}, "bytes"),
                Panel(
                    "Since a maintenance task succeeded",
                    {
                        "{{task}}": "time() - (max by (task) (holdfast_maintenance_success_timestamp_seconds) > 0)"
                    },
                    "s",
                    "A task is missing while it failed in all its newest runs.",
                    bad=2 * 86_400,
                ),
            ],
        ),
    ],
)
