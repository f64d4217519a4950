"""The faults: each with the alerts that it must raise."""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast_workflows.contracts import names

from . import process_faults as processes
from . import work_faults as work
from .stack import QUEUE
from .users import User

Alerts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Injected:
    """A fault, and the alerts that must fire while it lasts and clear afterwards.

    Attributes:
        name: What happens.
        group: Faults of one group are injected at the same time; they do not touch each other.
        fault: Injects it, for the length of the block.
        alerts: The alerts that it must raise, with some of their labels.
        follows: Names of other alerts that may fire as its consequences.
    """

    name: str
    group: int
    fault: work.Fault
    alerts: Alerts
    follows: tuple[str, ...] = ()


_WORKER = {"job": "holdfast-worker"}

FAULTS = (
    Injected(
        "provider is killed",
        1,
        work.dead_provider,
        {
            "HoldfastModelErrors": {"model": "spare:scripted"},
            "HoldfastBreakerOpen": {"breaker": "provider:spare"},
            "HoldfastRunsWaiting": {},
            "HoldfastTurnErrors": {},
        },
        ("HoldfastTaskCompletionLow",),
    ),
    Injected(
        "tool fails", 1, work.used(User("ask"), 3, "tool fails"), {"HoldfastToolErrors": {"tool": "ask"}}
    ),
    Injected(
        "worker of another version stays", 1, processes.other_build, {"HoldfastBuildsMixed": {"app": "bench"}}
    ),
    Injected(
        "backups stop and their folder is lost",
        1,
        processes.paused(names.backup_id(QUEUE), empty=True),
        {"HoldfastBackupLate": {}, "HoldfastBackupMissing": {}},
    ),
    Injected(
        "maintenance stops", 1, processes.paused(names.maintenance_id(QUEUE)), {"HoldfastMaintenanceLate": {}}
    ),
    Injected(
        "people do not answer",
        1,
        work.unanswered,
        {"HoldfastInboxAgeing": {}, "HoldfastEffectsUnknown": {}},
    ),
    Injected("approvals expire", 1, work.expired, {"HoldfastInboxOverdue": {"kind": "approval"}}),
    Injected(
        "tool's results fill the context",
        1,
        work.used(User("read", "reader"), 3),
        {"HoldfastContextFull": {"agent": "reader"}},
    ),
    Injected(
        "tenant spends its budget",
        1,
        work.spent_budget,
        {"HoldfastBudgetBurn": {"account": "tenant"}, "HoldfastBudgetRefusals": {}},
    ),
    Injected(
        "MCP server is dead",
        1,
        work.used(User(agent="clerk"), 30),
        {"HoldfastRequestErrors": {"operation": "start"}},
        ("HoldfastRequestErrors",),  # of sending the first message
    ),
    Injected(
        "workflow code fails",
        1,
        work.stuck_workflow,
        {"HoldfastWorkflowTasksFailing": {"workflow_type": "Stuck"}},
    ),
    Injected("expensive model is used", 2, work.expensive_model, {"HoldfastCostJump": {}}),
    Injected(
        "model is slow",
        2,
        work.used(User(agent="slow"), 12, "model slow"),
        {"HoldfastModelSlow": {"model": "openai:slow"}, "HoldfastTurnsSlow": {"agent": "slow"}},
    ),
    Injected(
        "tool leaks memory", 2, work.used(User("keep"), 3, "tool leaks"), {"HoldfastMemoryHigh": _WORKER}
    ),
    Injected(
        "memory store is killed",
        2,
        processes.dead_memory,
        {"HoldfastMemoryStoreFailing": {}, "HoldfastOutboxGrowing": {}},
        ("HoldfastHealthChecksFailing", "HoldfastBreakerOpen", "HoldfastMaintenanceLate"),
    ),
    Injected(
        "users cancel",
        2,
        work.used(User("hang", cancels=True), 6),
        {"HoldfastTaskCompletionLow": {"agent": "support"}},
    ),
    Injected(
        "tool blocks the event loop",
        3,
        work.used(User("compute"), 4, "tool blocks"),
        {"HoldfastEventLoopBlocked": _WORKER},
    ),
    Injected("prober is stopped", 3, processes.no_probe, {"HoldfastProbeMissing": {}}),
    Injected("workflows compute for long", 4, work.busy_workflows, {"HoldfastWorkflowTasksWaiting": {}}),
    Injected(
        "one worker is killed",
        5,
        processes.killed_workers((1,), 0),
        {"HoldfastScrapeFailing": _WORKER, "HoldfastHealthChecksFailing": {}},
    ),
    Injected(
        "calls hang",
        6,
        work.used(User("hang"), 80),
        {
            "HoldfastTaskSlotsUsedUp": {"worker_type": "ActivityWorker"},
            "HoldfastActivityTasksWaiting": {},
            "HoldfastQueueBacklog": {"kind": "activity"},
        },
        ("HoldfastTurnsSlow", "HoldfastWorkflowTasksWaiting", "HoldfastMaintenanceLate"),
    ),
    Injected(
        "all workers are killed",
        7,
        processes.killed_workers((0, 1), 20),
        {"HoldfastNoWorkers": {}},
        ("HoldfastHealthChecksFailing", "HoldfastScrapeFailing", "HoldfastQueueBacklog"),
    ),
    Injected(
        "workers cannot reach Temporal",
        8,
        processes.cut_network,
        {"HoldfastTemporalRequestsFailing": {}},
        ("HoldfastHealthChecksFailing", "HoldfastNoWorkers", "HoldfastQueueBacklog"),
    ),
)
