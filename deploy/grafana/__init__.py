"""The Grafana dashboards of Holdfast, as code. ``python -m deploy.grafana`` writes ``dashboards/*.json``."""
