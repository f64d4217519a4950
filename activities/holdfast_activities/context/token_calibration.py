"""The ratio of reported to estimated tokens of each model, learned from provider reports."""

import asyncio
import logging

from holdfast_activities.state.content.token_calibration import CalibrationStore
from holdfast_workflows.contracts.errors import HoldfastError

_log = logging.getLogger(__name__)

UNKNOWN = 4 / 3
"""The ratio before the first report. Estimates are a quarter of the bytes; this makes them a third."""

LEAST, MOST = 0.4, 2.5

_MAX_WEIGHT = 0.5
_FULL_WEIGHT = 2_000  # tokens of a prompt whose report would count fully
_CHANGE = 0.05  # relative change that is saved
_CLOSE_SECONDS = 2.0


class TokenCalibration:
    """The ratios of this worker's models, saved in the state database. Failures to load or save are ignored."""

    def __init__(self, store: CalibrationStore) -> None:
        self._store = store
        self._ratios: dict[str, float] = {}
        self._saved: dict[str, float] = {}
        self._loaded = False
        self._saving: dict[str, asyncio.Task[None]] = {}

    async def load(self) -> None:
        """Load saved ratios, once."""
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
        return self._ratios.get(model, UNKNOWN)

    def learn(self, model: str, estimated: int, reported: int) -> None:
        """Learn from a prompt. A short one has little weight, because providers add tokens of their own."""
        if estimated <= 0 or reported <= 0:
            return
        before = self.of(model)
        weight = min(_MAX_WEIGHT, estimated / _FULL_WEIGHT)
        self._ratios[model] = before + weight * (_bounded(reported / estimated) - before)
        if model not in self._saving and self._changed(model):
            self._saving[model] = asyncio.ensure_future(self._save(model))  # the step does not wait for it

    async def close(self) -> None:
        """Wait up to two seconds for pending writes, so that the state database can be closed."""
        if self._saving:
            await asyncio.wait(self._saving.values(), timeout=_CLOSE_SECONDS)

    def _changed(self, model: str) -> bool:
        saved = self._saved.get(model)
        return saved is None or abs(self._ratios[model] - saved) > _CHANGE * saved

    async def _save(self, model: str) -> None:
        """Save one value after another, so that the last one stays."""
        try:
            while self._changed(model):
                ratio = self._saved[model] = self._ratios[model]
                await self._store.save(model, ratio)
        except HoldfastError as error:
            _log.debug("ratio of %s: %s", model, error)
        finally:
            del self._saving[model]


def _bounded(ratio: float) -> float:
    return min(MOST, max(LEAST, ratio))
