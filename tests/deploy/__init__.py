"""The files of ``deploy/``: alert rules, routing, dashboards, runbooks, manifests."""
