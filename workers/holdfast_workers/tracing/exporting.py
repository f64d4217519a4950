"""Send spans to a collector, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, set_value
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from . import records, spool
from .records import Record
from .spool import Batch, Spool

EVERY: Final = 1.0
"""Seconds between exports."""

_AT_ONCE: Final = 512
_KEPT: Final = 50_000
"""Spans that are kept while the collector does not take them; then the oldest are dropped."""

_ORPHANS: Final = 5
"""Exports between two looks for the spans of killed workers."""

_CLOSING: Final = 3.0

_log = logging.getLogger(__name__)


class Exporting:
    """Keeps spans in the spool, and exports them and those that killed workers have left in ``home``."""

    def __init__(
        self, exporter: SpanExporter, home: Path, resource: Resource, kept: Spool | None, where: str
    ) -> None:
        """``kept`` is None where no spool can be written: spans are then in memory only."""
        self._exporter = exporter
        self._home = home
        self._resource = resource
        self._spool = kept
        self._where = where
        self._memory: list[Record] = []
        self._waiting = deque[Batch]()
        self._failing = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="holdfast-spans", daemon=True)
        self._thread.start()

    def begin(self, record: Record) -> None:
        """Keep a span that begins, in case the worker is killed before its end."""
        if self._spool is not None:
            self._spool.begin(record)

    def end(self, record: Record, changed: Record) -> None:
        """Keep a span that has ended for the next export; ``changed`` is what was added since its begin."""
        if self._spool is not None:
            self._spool.end(record, changed)
        else:
            self._memory.append(record)

    def drop(self, record: Record) -> None:
        """Forget a span."""
        if self._spool is not None:
            self._spool.drop(record)

    def close(self) -> None:
        """Export what is left, for a limited time; what cannot be exported stays in the spool."""
        self._ended.set()
        self._thread.join(_CLOSING)
        self._exporter.shutdown()  # ends a request that is repeated
        self._thread.join(1.0)
        if self._spool is not None and not self._thread.is_alive():
            self._spool.close()

    # In the thread.

    def _run(self) -> None:
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        looks = 0
        while True:
            ending = self._ended.wait(EVERY)
            try:
                if looks % _ORPHANS == 0:
                    self._export_orphans()
                self._export()
            except Exception:  # noqa: BLE001 - the next export may succeed, and no span may stop a worker
                _log.exception("spans could not be exported")
            looks += 1
            if ending:
                return

    def _export(self) -> None:
        batch = self._taken()
        if batch.spans:
            self._waiting.append(batch)
        while self._waiting:
            if not self._send(self._waiting[0].spans, self._resource):
                # The others first next time, in case the collector refuses only this one.
                self._waiting.rotate(-1)
                return self._drop_oldest()
            self._waiting.popleft().exported()
        return None

    def _taken(self) -> Batch:
        if self._spool is not None:
            return self._spool.take()
        spans, self._memory = self._memory, []
        return Batch(spans)

    def _drop_oldest(self) -> None:
        """Drop the oldest spans that the collector does not take."""
        left = sum(len(each.spans) for each in self._waiting)
        while left > _KEPT:
            oldest = self._waiting.popleft()
            oldest.exported()
            left -= len(oldest.spans)
            _log.warning("%d spans were dropped: %s does not take them", len(oldest.spans), self._where)

    def _export_orphans(self) -> None:
        for folder in spool.folders(self._home):
            if self._spool is not None and folder == self._spool.folder:
                continue
            with spool.orphan(folder) as left:
                if left is not None and self._send(left.spans, left.resource):
                    rmtree(folder, ignore_errors=True)
                    if left.spans:
                        _log.info("exported %d spans of a worker that was killed", len(left.spans))

    def _send(self, spans: Sequence[Record], resource: Resource) -> bool:
        """Send spans; False if the collector does not take them."""
        for start in range(0, len(spans), _AT_ONCE):
            some = list(_readable(spans[start : start + _AT_ONCE], resource))
            if self._exporter.export(some) is not SpanExportResult.SUCCESS:
                if not self._failing:
                    _log.warning("%s does not take spans; they are kept, up to %d", self._where, _KEPT)
                self._failing = True
                return False
        if self._failing and spans:
            self._failing = False
            _log.warning("%s takes spans again", self._where)
        return True


def _readable(spans: Sequence[Record], resource: Resource) -> Iterator[ReadableSpan]:
    """Yield the spans, without those of a file that is malformed."""
    for each in spans:
        with suppress(KeyError, TypeError, ValueError):
            yield records.exported(each, resource)


class OfLibraries(SpanProcessor):
    """Keeps the spans that instrumented libraries make by the SDK."""

    def __init__(self, exporting: Exporting) -> None:
        self._exporting = exporting

    def on_start(self, span: ReadableSpan, parent_context: Context | None = None) -> None:
        """Keep a span that begins."""
        self._exporting.begin(records.of(span))

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span that has ended."""
        record = records.of(span)
        changed = {name: value for name, value in record.items() if name not in {"id", "name", "parent"}}
        self._exporting.end(record, changed)

    def shutdown(self) -> None:
        """Nothing to do: the worker closes the export."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing to do: spans are exported every second."""
        return True
