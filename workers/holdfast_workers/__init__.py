"""The processes that host agents.

Nothing is imported here, so that the command line can list its commands without loading
what a worker needs.

    settings   every HOLDFAST_… variable of a worker
    loading    finding the App
    wiring     the Temporal worker
    process    the life of a worker process
    health     /health and /ready
    logs       structured logs
    dev        the embedded server with workers
    command    what the command line offers of this
    exits      exit codes, and errors in one line
"""

__all__: list[str] = []
