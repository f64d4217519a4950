"""By what token estimates are multiplied for each model, learnt from what providers report."""

import asyncio
import logging

from holdfast_activities.state.content.token_calibration import CalibrationStore
from holdfast_workflows.contracts.errors import HoldfastError

_log = logging.getLogger(__name__)

UNKNOWN = 4 / 3
"""Before the first report: a third of the bytes, for what is estimated at a quarter."""

LEAST, MOST = 0.4, 2.5

_QUICKEST = 0.5
_WHOLE_WEIGHT = 2_000  # tokens of a prompt whose report counts as much as what was learnt before
_CHANGE = 0.05
_PATIENCE = 2.0  # seconds


class TokenCalibration:
    """The ratios of this worker's models; what it learns is kept in the state database for the next.

    Nothing waits for that but the first question, and nothing fails of it.
    """

    def __init__(self, store: CalibrationStore) -> None:
        self._store = store
        self._ratios: dict[str, float] = {}
        self._saved: dict[str, float] = {}
        self._loaded = False
        self._saving: dict[str, asyncio.Task[None]] = {}

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
        self._ratios[model] = before + weight * (_bounded(reported / estimated) - before)
        if model not in self._saving and self._is_new(model):
            # Off the step's path: the prompt is answered already, and its reply is about to be written.
            self._saving[model] = asyncio.ensure_future(self._save(model))

    async def close(self) -> None:
        """Wait a moment for what is being kept, so that the state database can be closed after it."""
        if self._saving:
            await asyncio.wait(self._saving.values(), timeout=_PATIENCE)

    def _is_new(self, model: str) -> bool:
        saved = self._saved.get(model)
        return saved is None or abs(self._ratios[model] - saved) > _CHANGE * saved

    async def _save(self, model: str) -> None:
        """Keep what was learnt, one after the other: the last one is to be the one that stays."""
        try:
            while self._is_new(model):
                ratio = self._saved[model] = self._ratios[model]
                await self._store.save(model, ratio)
        except HoldfastError as error:
            _log.debug("ratio of %s: %s", model, error)
        finally:
            del self._saving[model]


def _bounded(ratio: float) -> float:
    return min(MOST, max(LEAST, ratio))
