"""The processes that host agents.

settings   every HOLDFAST_… variable of a worker
loading    finding the App
wiring     the Temporal worker
process    the life of a worker process
health     /health and /ready
logs       structured logs
dev        the embedded server with workers
command    what the command line offers of this
"""

from .loading import load_app
from .process import WorkerProcess
from .settings import Settings
from .wiring import build_worker

__all__ = ["Settings", "WorkerProcess", "build_worker", "load_app"]
