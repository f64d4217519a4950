"""Every alert in a live run: real Prometheus, Alertmanager, Temporal, workers and prober, with injected faults."""
