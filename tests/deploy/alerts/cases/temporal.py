"""Cases of Temporal's requests and tasks."""

from ..rule_tests import Case

_STUCK = (
    'temporal_workflow_task_execution_failed_total{workflow_type="AgentWorkflow",'
    'failure_reason="NonDeterminismError"}'
)
_REQUESTS = 'temporal_request_total{namespace="default",operation="RespondWorkflowTaskCompleted"}'
_POLLS = 'temporal_long_request_total{namespace="default",operation="PollWorkflowTaskQueue"}'
_REFUSED = (
    'temporal_request_failure_total{namespace="default",operation="DescribeWorkflowExecution",'
    'status_code="NOT_FOUND"}'
)
_UNREACHED = (
    'temporal_long_request_failure_total{namespace="default",operation="PollWorkflowTaskQueue",'
    'status_code="TRANSPORT_ERROR"}'
)

TEMPORAL = (
    Case(
        "HoldfastWorkflowTasksFailing",
        {_STUCK: (0, 0.25)},
        "Workflow tasks of AgentWorkflow fail (NonDeterminismError): these sessions are stuck.",
        {"workflow_type": "AgentWorkflow", "failure_reason": "NonDeterminismError"},
        under={_STUCK: f"0x80 {'1x160'}"},  # it failed once
        samples=160,
        fires=300,
    ),
    Case(
        "HoldfastWorkflowTasksWaiting",
        summary="Workflow tasks of queue 'shop' wait 4s for a worker (p95).",
        labels={"task_queue": "shop"},
        series={
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="1"}': (
                10,
                8,
            ),
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="5"}': (
                10,
                10,
            ),
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="+Inf"}': (
                10,
                10,
            ),
        },
        under={
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="1"}': 9.6,
        },
        fires=600,
    ),
    Case(
        "HoldfastActivityTasksWaiting",
        summary="Activities of queue 'shop' wait 8.75s for a worker (p95).",
        labels={"task_queue": "shop"},
        series={
            'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="5"}': (10, 8),
            'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="10"}': (10, 10),
            'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="+Inf"}': (
                10,
                10,
            ),
        },
        under={'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="5"}': 9.6},
        fires=600,
    ),
    Case(
        "HoldfastTaskSlotsUsedUp",
        {'temporal_worker_task_slots_available{instance="w:8000",worker_type="ActivityWorker"}': (150, 0)},
        "Worker w:8000 has no free slot for ActivityWorker tasks.",
        {"instance": "w:8000", "worker_type": "ActivityWorker"},
        under={'temporal_worker_task_slots_available{instance="w:8000",worker_type="ActivityWorker"}': 1},
        silent=120,
        fires=240,
    ),
    Case(
        "HoldfastTemporalRequestsFailing",
        {_REQUESTS: (10, 10), _POLLS: (10, 10), _UNREACHED: (0, 4), _REFUSED: (2, 2)},
        "20% of the workers' requests to Temporal fail.",
        {"namespace": "default"},
        under={_UNREACHED: 0.8, _REFUSED: 8},
        fires=600,
    ),
    Case(
        "HoldfastQueueBacklog",
        {'holdfast_queue_backlog_age_seconds{queue="shop",kind="activity"}': (1, 75)},
        "The oldest activity task of queue 'shop' has waited for 1m 15s.",
        {"queue": "shop", "kind": "activity"},
        under={'holdfast_queue_backlog_age_seconds{queue="shop",kind="activity"}': 55},
        silent=105,
        fires=135,
    ),
)
