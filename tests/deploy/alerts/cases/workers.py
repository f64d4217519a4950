"""Cases of workers and probes."""

from ..rule_tests import Case

WORKERS = (
    Case(
        "HoldfastHealthChecksFailing",
        {'holdfast_probe_checks_total{target="temporal",outcome="failed"}': (0, 1)},
        "temporal failed its health check 8 times in 2 minutes.",
        {"target": "temporal"},
        under={'holdfast_probe_checks_total{target="temporal",outcome="failed"}': 0.4},
        silent=30,  # 3 checks failed
        fires=120,
    ),
    Case(
        "HoldfastNoWorkers",
        {'holdfast_queue_pollers{queue="shop",kind="workflow"}': (3, 0)},
        "No worker serves the workflow tasks of queue 'shop'.",
        {"queue": "shop", "kind": "workflow"},
        under={'holdfast_queue_pollers{queue="shop",kind="workflow"}': 1},
        silent=45,
        fires=75,
    ),
    Case(
        "HoldfastProbeMissing",
        {'holdfast_probe_up{target="temporal"}': (1, None)},
        "Nothing watches from outside: the prober exports no checks.",
        under={'holdfast_probe_up{target="temporal"}': 0},
        silent=300,  # Prometheus looks back for 5 minutes where a series ended without a mark
        fires=600,
    ),
    Case(
        "HoldfastScrapeFailing",
        {
            'up{job="holdfast-worker",instance="worker:8000"}': (1, 0),
            'up{job="other",instance="x:1"}': (0, 0),
        },
        "holdfast-worker at worker:8000 gives Prometheus no metrics.",
        {"job": "holdfast-worker", "instance": "worker:8000"},
        under={'up{job="holdfast-worker",instance="worker:8000"}': 1},
        silent=105,
        fires=135,
    ),
    Case(
        "HoldfastMemoryHigh",
        {
            'holdfast_memory_bytes{instance="worker:8000"}': (500e6, 900e6),
            'holdfast_memory_limit_bytes{instance="worker:8000"}': (1e9, 1e9),
        },
        "Worker worker:8000 uses 90% of its memory limit.",
        {"instance": "worker:8000"},
        under={'holdfast_memory_bytes{instance="worker:8000"}': 840e6},
        silent=165,
        fires=195,
    ),
    Case(
        "HoldfastEventLoopBlocked",
        {'holdfast_event_loop_delay_seconds{instance="worker:8000"}': (0.01, 2.5)},
        "The event loop of worker worker:8000 was blocked for 2.5s.",
        {"instance": "worker:8000"},
        under={'holdfast_event_loop_delay_seconds{instance="worker:8000"}': 0.9},
        silent=165,
        fires=195,
    ),
    Case(
        "HoldfastBuildsMixed",
        {
            'holdfast_build_info{app="shop",version="2",instance="a"}': (1, 1),
            'holdfast_build_info{app="shop",version="1",instance="b"}': (None, 1),
            'holdfast_build_info{app="other",version="1",instance="c"}': (1, 1),
        },
        "2 builds of app 'shop' have served the same queue for over an hour.",
        {"app": "shop"},
        interval=60,
        samples=90,
        silent=3_540,
        fires=3_660,
    ),
)
