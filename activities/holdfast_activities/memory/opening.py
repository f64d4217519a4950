"""Opening the memories that HOLDFAST_MEMORY_URL and HOLDFAST_EMBEDDINGS name."""

import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from holdfast_activities.models.config import ProviderConfig, providers_from
from holdfast_activities.state.location import SqliteLocation, locate
from holdfast_workflows.contracts.errors import BadInput, SettingsInvalid

from .base import MemoryStore
from .embedded import open_embedded
from .embedders import GuardedEmbedder, choose_embedder, unchosen
from .gate import Guard
from .guarded import GuardedStore
from .memories import Memories
from .weaviate import open_weaviate, parse

FILE = "memory.db"
"""The embedded store in the folder of everything embedded."""

Open = Callable[[], Awaitable[MemoryStore]]


def make_memories(
    url: str,
    embeddings: str,
    home: Path,
    providers: Mapping[str, ProviderConfig] | None = None,
    guard: Guard | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> Memories:
    """The memories at a URL, opened at first use: a store that is down keeps nobody from starting.

    Args:
        url: ``weaviate://…`` (see ``weaviate.parse``), ``sqlite:///path``, or empty for a file in ``home``.
        embeddings: See ``choose_embedder``.
        home: The folder of everything embedded.
        providers: Model providers by name; by default the two that the environment places.
        guard: The circuit breakers; None for deadlines only.
        environ: Where keys are looked up; the process's own environment by default.

    Raises:
        SettingsInvalid: The URL or the embedder is none.
        EmbedderBroken: The embedder's key is missing.
    """
    found = os.environ if environ is None else environ
    name, open_store = _store(url.strip(), home, found)
    embedder = choose_embedder(
        embeddings, home, providers_from(found) if providers is None else providers, found
    )
    return Memories(
        GuardedStore(name, open_store, guard),
        None if embedder is None else GuardedEmbedder(embedder, guard),
        warning=unchosen(home) if embedder is None and not embeddings.strip() else "",
    )


def _store(url: str, home: Path, environ: Mapping[str, str]) -> tuple[str, Open]:
    scheme = url.partition(":")[0].partition("+")[0]
    try:
        if not url:
            return "embedded", partial(open_embedded, home.absolute() / FILE)
        if scheme == "weaviate":
            return "weaviate", partial(open_weaviate, parse(url, environ))
        if scheme == "sqlite":
            place = locate(url)
            assert isinstance(place, SqliteLocation)
            return "embedded", partial(
                open_embedded, place.path, synchronous=place.synchronous, busy_seconds=place.busy_seconds
            )
    except BadInput as error:
        raise SettingsInvalid(f"HOLDFAST_MEMORY_URL: {error.detail}") from None
    raise SettingsInvalid(
        f"HOLDFAST_MEMORY_URL: no memories are kept in {scheme}:; write weaviate://host:port, sqlite:///path, "
        "or nothing for a file"
    )
