"""The providers of models: each is known and has a key; a small call if that is allowed."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from holdfast_activities.models.base import Model, ModelRequest
from holdfast_workers.startup.checking import unusable_models
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.session.entries import UserEntry
from holdfast_workflows.contracts.text.redaction import redact_error

from ..examined import Examined
from ..findings import Finding, failed, ok, warning, worst

_TIMEOUT: Final = 30.0
_REMEDY: Final = "set the provider's key, or correct HOLDFAST_PROVIDERS or the agent's model"


async def check(examined: Examined) -> Finding:
    """Look for each model's provider and key; call each model once with ``call_models``."""
    unusable = unusable_models(examined.registry, examined.models())
    found = [
        failed(f"agent {agent} cannot use {model}: {reason}", _REMEDY)
        for agent, reasons in unusable.items()
        for model, reason in reasons.items()
    ]
    unfit = {model for reasons in unusable.values() for model in reasons}
    names = {name for agent in examined.registry.agents.values() for name in agent.models} - unfit
    if not examined.options.call_models:
        return worst(
            found, f"every model has a provider and a key ({len(names)}); `--call-models` calls each once"
        )
    called = await asyncio.gather(*(_call(examined.models().get(name)) for name in sorted(names)))
    found += [each for each in called if each.status != "ok"]
    return worst(found, "; ".join(each.text for each in called) or "no agent has a model")


async def _call(model: Model) -> Finding:
    """One call that costs a few tokens."""
    began = time.monotonic()
    question = model.fragment(UserEntry(seq=1, turn=1, text="Reply with the word: fit"))
    request = ModelRequest("Reply in one word.", [question], max_tokens=64, timeout=_TIMEOUT)
    try:
        reply = await model.complete(request)
    except HoldfastError as error:
        return failed(
            f"{model.name}: {redact_error(str(error))}", "repair the provider, its key or its account"
        )
    took = f"{model.name} answered in {time.monotonic() - began:.1f} s"
    return ok(took) if reply.text else warning(f"{took} without text", "try the model by hand")
