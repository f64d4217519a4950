"""Users write these names; taking one away breaks them."""

import subprocess
import sys

import holdfast

PUBLIC = {
    "Agent",
    "AllProvidersFailed",
    "App",
    "BadInput",
    "Budget",
    "BudgetExhausted",
    "CachedReply",
    "EffectUnknown",
    "ErrorReply",
    "AskHuman",
    "HoldfastError",
    "InvalidDeclaration",
    "LoopDetected",
    "Memory",
    "MessageTooLarge",
    "ModelError",
    "NoWorker",
    "OutputInvalid",
    "QueueFull",
    "RetryPolicy",
    "ServiceError",
    "SessionBusy",
    "SessionClosed",
    "SessionNotFound",
    "SimplifiedReply",
    "StepLimitReached",
    "TemporalUnreachable",
    "TenantLimits",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "MemoryTurn",
    "TurnCancelled",
    "TurnNotEnded",
    "UnknownAgent",
    "connect",
    "open_memory",
    "tool",
}


def test_the_public_names_are_there_and_in_order() -> None:
    assert set(holdfast.__all__) == PUBLIC
    assert sorted(holdfast.__all__) == list(holdfast.__all__)
    assert all(hasattr(holdfast, name) for name in holdfast.__all__)


def test_importing_the_front_door_loads_nothing_that_only_workers_have() -> None:
    heavy = "docstring_parser jsonschema sqlalchemy httpx matplotlib holdfast_activities holdfast_workers temporalio.client"
    code = f"import sys, holdfast; print(*[m for m in {heavy.split()!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ""
