"""Cases of people, cost and stores."""

from ..rule_tests import Case

_HOUR = 3_600

OPERATIONS = (
    Case(
        "HoldfastInboxOverdue",
        {
            # The second worker has no sample before its first value.
            'holdfast_inbox_overdue_total{kind="approval",instance="a"}': "0x119 1x239",
            'holdfast_inbox_overdue_total{kind="approval",instance="b"}': "_x120 1x239",
        },
        "2 deadlines of kind 'approval' passed without an answer in the last hour.",
        {"kind": "approval"},
        under={
            'holdfast_inbox_overdue_total{kind="approval",instance="a"}': "0x358",
            'holdfast_inbox_overdue_total{kind="approval",instance="b"}': "_x358",
        },
        interval=60,
        samples=120,
        fires=60,
    ),
    Case(
        "HoldfastInboxAgeing",
        {'holdfast_inbox_oldest_seconds{kind="approval"}': (600, 18_000)},
        "An item of kind 'approval' has waited for a person for 5h 0m 0s.",
        {"kind": "approval"},
        under={'holdfast_inbox_oldest_seconds{kind="approval"}': 14_000},
        silent=285,
        fires=315,
    ),
    Case(
        "HoldfastEffectsUnknown",
        {"holdfast_unknown_effects": (0, 3)},
        "The outcome of 3 effects is unknown: they may or may not have happened.",
        silent=585,
        fires=615,
    ),
    Case(
        "HoldfastBudgetBurn",
        # 1 % a minute from 50 % on; just too small: 0.1 % a minute.
        {'holdfast_budget_used_ratio{account="tenant"}': "0.5x59 0.5+0.01x40 0.1x80"},
        "The budget of a tenant will be used up within 4 hours.",
        {"account": "tenant"},
        under={'holdfast_budget_used_ratio{account="tenant"}': "0.5x59 0.5+0.001x59 0.1x60"},
        interval=60,
        samples=60,
        fires=2_400,
    ),
    Case(
        "HoldfastBudgetRefusals",
        {
            'holdfast_budget_refusals_total{account="tenant"}': (0, 0.5),
            'holdfast_budget_refusals_total{account="run"}': (1, 1),
        },
        "The budget of a tenant is used up: 30 calls were refused in 15 minutes.",
        under={'holdfast_budget_refusals_total{account="tenant"}': 0},
        fires=900,
    ),
    Case(
        "HoldfastCostJump",
        {
            "holdfast_cost_forecast_dollars": (20, 50),
            'holdfast_cost_today_dollars{agent="a"}': (12, 12),
            'holdfast_cost_today_dollars{agent="b"}': (8, 8),
        },
        "Today's cost is heading for 50 dollars, more than twice yesterday's.",
        under={"holdfast_cost_forecast_dollars": 39},
        interval=1_800,
        samples=110,
        fires=3_600,
    ),
    Case(
        "HoldfastMemoryStoreFailing",
        {
            'holdfast_memory_operations_total{operation="recall",outcome="ok"}': (10, 8),
            'holdfast_memory_operations_total{operation="recall",outcome="memory_unavailable"}': (0, 2),
        },
        "20% of the memory store's operations 'recall' failed in 5 minutes.",
        {"operation": "recall"},
        under={
            'holdfast_memory_operations_total{operation="recall",outcome="ok"}': 9.2,
            'holdfast_memory_operations_total{operation="recall",outcome="memory_unavailable"}': 0.8,
        },
        fires=300,
    ),
    Case(
        "HoldfastOutboxGrowing",
        {"holdfast_outbox_changes": (2, 150)},
        "150 changes of memories wait for the memory store.",
        under={"holdfast_outbox_changes": 90},
        silent=585,
        fires=615,
    ),
    Case(
        "HoldfastMaintenanceLate",
        # promtool's clock begins at 0. The task succeeds every hour, then for three days not at all.
        {
            'holdfast_maintenance_success_timestamp_seconds{task="expiry"}': "0+3600x71 255600x71 518400+3600x72"
        },
        "The maintenance task 'expiry' has not succeeded for 2 days.",
        {"task": "expiry"},
        under={
            'holdfast_maintenance_success_timestamp_seconds{task="expiry"}': "0+3600x96 345600x47 518400x72"
        },
        interval=_HOUR,
        samples=72,
        silent=47 * _HOUR,
        fires=49 * _HOUR,
    ),
    Case(
        "HoldfastMaintenanceLate",
        # It has failed in a new deployment since the first run, for three days and for less than two.
        {'holdfast_maintenance_success_timestamp_seconds{task="orphans"}': "_x72 0x71 518400+3600x72"},
        "The maintenance task 'orphans' has not succeeded for 2 days.",
        {"task": "orphans"},
        under={'holdfast_maintenance_success_timestamp_seconds{task="orphans"}': "_x72 0x46 428400+3600x97"},
        interval=_HOUR,
        samples=72,
        silent=47 * _HOUR,
        fires=50 * _HOUR,
    ),
    Case(
        "HoldfastBackupMissing",
        {
            "holdfast_backup_success_timestamp_seconds": (1, None),
            'holdfast_maintenance_success_timestamp_seconds{task="backup"}': (0, 0),
            'holdfast_probe_up{target="state"}': (1, 1),
        },
        "There is no backup of the state database.",
        under={'holdfast_probe_up{target="state"}': 0},  # the prober cannot tell
        interval=60,
        samples=90,
        silent=3_540,
        fires=4_200,
    ),
    Case(
        "HoldfastBackupMissing",
        {
            "holdfast_backup_success_timestamp_seconds": (1, 0),
            'holdfast_maintenance_success_timestamp_seconds{task="backup"}': (0, 0),
            'holdfast_probe_up{target="state"}': (1, 1),
        },
        "There is no backup of the state database.",
        # The prober has no folder, and backups are scheduled.
        under={
            "holdfast_backup_success_timestamp_seconds": "1x89 _x90 1x90",
            'holdfast_maintenance_success_timestamp_seconds{task="backup"}': 5,
        },
        interval=60,
        samples=90,
        silent=3_540,
        fires=4_200,
    ),
    Case(
        "HoldfastBackupLate",
        {"holdfast_backup_success_timestamp_seconds": "0+3600x47 169200x47 345600+3600x48"},
        "The last successful backup is 1d 5h 0m 0s old.",
        under={"holdfast_backup_success_timestamp_seconds": "0+3600x71 255600x23 345600x48"},
        interval=_HOUR,
        samples=48,
        silent=25 * _HOUR,
        fires=28 * _HOUR,
    ),
    Case(
        "HoldfastBackupLate",
        # The prober has no folder, and backups are made every hour; another task is not late.
        {
            'holdfast_maintenance_success_timestamp_seconds{task="backup"}': "0+3600x47 169200x47 345600+3600x48",
            'holdfast_maintenance_success_timestamp_seconds{task="vacuum"}': "0x143",
        },
        "The last successful backup is 6h 0m 0s old.",
        under={
            'holdfast_maintenance_success_timestamp_seconds{task="backup"}': "0x143",  # never: another alert's
        },
        interval=_HOUR,
        samples=48,
        silent=2 * _HOUR,
        fires=5 * _HOUR,
    ),
)
