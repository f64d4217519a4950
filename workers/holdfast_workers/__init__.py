"""Worker processes. Nothing is imported here, so that the command line can list its commands quickly."""

__all__: list[str] = []
