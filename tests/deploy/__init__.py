<<<<<<< HEAD
"""The files of ``deploy/``: alert rules, routing, dashboards, runbooks, manifests."""
=======
"""Tests of the files in ``deploy/``."""
>>>>>>> 120e35a6 (Add an image, a compose file and Kubernetes manifests)
