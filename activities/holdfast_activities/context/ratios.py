"""By what token estimates are multiplied for each model, learnt from what providers report."""

import asyncio
import logging

from holdfast_activities.state import shared
from holdfast_workflows.contracts.errors import HoldfastError

_log = logging.getLogger(__name__)

UNKNOWN = 4 / 3
"""Before the first report: a third of the bytes, for what is estimated at a quarter."""

LEAST, MOST = 0.4, 2.5

_QUICKEST = 0.5
_WHOLE_WEIGHT = 2_000  # tokens of a prompt whose report counts as much as what was learnt before
_CHANGE = 0.05
_EVERY = 50


class Ratios:
    """The ratios of this worker's models; what it learns is kept in the state database for the next.

    Nothing waits for that but the first question, and nothing fails of it.
    """

    def __init__(self, store: shared.Ratios) -> None:
        self._store = store
        self._ratios: dict[str, float] = {}
        self._saved: dict[str, float] = {}
        self._learnt: dict[str, int] = {}
        self._loaded = False
        self._saving = set[asyncio.Task[None]]()

    async def load(self) -> None:
        """Read what was learnt before, once."""
        if self._loaded:
            return
        self._loaded = True
        try:
            found = await self._store.load()
        except HoldfastError as error:
            _log.debug("ratios of token estimates: %s", error)
            return
        self._saved.update(found)
        self._ratios = {**{model: _bounded(ratio) for model, ratio in found.items()}, **self._ratios}

    def of(self, model: str) -> float:
        """What the estimates of a model's tokens are multiplied by."""
        return self._ratios.get(model, UNKNOWN)

    def learn(self, model: str, estimated: int, reported: int) -> None:
        """Take in what a provider counted of a prompt; a short one says little, since providers add their own."""
        if estimated <= 0 or reported <= 0:
            return
        before = self.of(model)
        weight = min(_QUICKEST, estimated / _WHOLE_WEIGHT)
        ratio = self._ratios[model] = _bounded(before + weight * (reported / estimated - before))
        count = self._learnt[model] = self._learnt.get(model, 0) + 1
        saved = self._saved.get(model)
        if saved is None or abs(ratio - saved) > _CHANGE * saved or count % _EVERY == 0:
            self._saved[model] = ratio
            self._keep(model, ratio)

    def _keep(self, model: str, ratio: float) -> None:
        # Off the step's path: the prompt is answered already, and its reply is about to be written.
        task = asyncio.ensure_future(self._save(model, ratio))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, model: str, ratio: float) -> None:
        try:
            await self._store.save(model, ratio)
        except HoldfastError as error:
            _log.debug("ratio of %s: %s", model, error)


def _bounded(ratio: float) -> float:
    return min(MOST, max(LEAST, ratio))
