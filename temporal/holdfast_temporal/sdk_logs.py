"""What Temporal's SDK prints itself."""

from contextlib import suppress

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig


def silence() -> None:
    """Print only the SDK's errors; before the first connection.

    Its warnings of retries would mix with the output of a command.
    """
    with suppress(RuntimeError):  # this process already has a default runtime
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="ERROR"))))
