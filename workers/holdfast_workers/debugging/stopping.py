"""A workflow runner that counts a replay's events and stops in the debugger at one."""

from __future__ import annotations

import bdb
import pdb  # noqa: T100 - the command's purpose
import sys
from collections.abc import Sequence
from typing import Any

from temporalio.worker import (
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)

_CODE = ("holdfast_workflows.session", "holdfast_workflows.teams", "holdfast_workflows.maintenance")
"""Where the debugger stops, and in the workflows of an App: not in the SDK, nor in contracts."""


class StoppingRunner(WorkflowRunner):
    """Runs workflows outside the sandbox, as workers run Holdfast's own.

    Attributes:
        reached: The event up to which the workflow's code has run.
        left: Whether the person has ended the debugger.
    """

    def __init__(self, stop_at: int = 0, modules: Sequence[str] = ()) -> None:
        """``stop_at`` is an event: the debugger stops before the decisions that follow it; 0 for never."""
        self._inner = UnsandboxedWorkflowRunner()
        self._stop_at = stop_at
        self._modules = (*_CODE, *modules)
        self.reached = 0
        self.left = False

    def prepare_workflow(self, defn: Any) -> None:
        """Nothing to prepare."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create an instance that tells this runner of its activations."""
        return _Instance(self._inner.create_instance(det), self)

    def activating(self, event: int) -> None:
        """Stop in the debugger if the event is reached. The next line is that of a workflow."""
        self.reached = max(self.reached, event)
        if self._stop_at and event >= self._stop_at:
            self._stop_at = 0
            debugger = _Debugger(self._modules)
            debugger.set_trace(sys._getframe())  # noqa: SLF001 - as pdb.set_trace does


class _Instance(WorkflowInstance):
    def __init__(self, inner: WorkflowInstance, runner: StoppingRunner) -> None:
        self._inner = inner
        self._runner = runner

    def activate(self, act: Any) -> Any:
        self._runner.activating(act.history_length)
        try:
            return self._inner.activate(act)
        except bdb.BdbQuit:
            self._runner.left = True
            raise
        finally:
            sys.settrace(None)

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Any:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()


class _Debugger(pdb.Pdb):
    """Steps through the code of workflows only."""

    def __init__(self, modules: Sequence[str]) -> None:
        # Any pattern: `is_skipped_module` decides. Signals belong to the main thread, and workflows run in another.
        super().__init__(skip=["*"], nosigint=True)
        self._modules = tuple(modules)

    def is_skipped_module(self, module_name: str | None) -> bool:
        """Whether a module's code is not of a workflow."""
        name = module_name or ""
        return not any(name == each or name.startswith(f"{each}.") for each in self._modules)
