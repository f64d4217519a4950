"""The collections that hold memories: their properties and descriptions.

An alias names one collection, a generation. Its description has the model of its vectors, so that the two always
agree. A migration fills another generation and then changes the alias, which is atomic.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from ..base import Collection
from .library import (
    Configure,
    DataType,
    Property,
    StopwordsPreset,
    Tokenization,
    UnexpectedStatusCodeError,
    VectorDistances,
    WeaviateAsyncClient,
)

K1 = 1.2
B = 0.75  # parameters of BM25

_PREFIX = "Memories of Holdfast. Written by its workers; change nothing by hand. "


@dataclass(frozen=True, slots=True)
class Generation:
    """A collection of the server.

    Attributes:
        name: Its name at the server.
        collection: Model and length of its vectors.
        follows: Name of the generation that it replaced; that may be gone.
        indexing: Version of the terms in ``words``.
    """

    name: str
    collection: Collection
    follows: str = ""
    indexing: int = 0


async def served(client: WeaviateAsyncClient, alias: str) -> Generation | None:
    """Return the generation that the alias names."""
    target = await client.alias.get(alias_name=alias)
    return await look_up(client, target.collection) if target else None


async def look_up(client: WeaviateAsyncClient, name: str) -> Generation | None:
    """Return a generation by name; None if it does not exist, or the server created the collection automatically."""
    try:
        config = await client.collections.use(name).config.get()
    except UnexpectedStatusCodeError as error:
        if error.status_code == 404:
            return None
        raise
    try:
        stored = json.loads((config.description or "").removeprefix(_PREFIX))
        collection = Collection(stored["model"], stored["dimension"])
        return Generation(name, collection, stored["follows"], stored.get("indexing", 0))
    except (ValueError, KeyError, TypeError):
        return None


async def generations(client: WeaviateAsyncClient, alias: str) -> list[str]:
    """Return the names of all generations of an alias, sorted."""
    pattern = re.compile(rf"{alias}_[0-9a-f]{{12}}")
    return sorted(name for name in await client.collections.list_all() if pattern.fullmatch(name))


async def describe(client: WeaviateAsyncClient, generation: Generation) -> None:
    """Update the description of a generation's collection."""
    await client.collections.use(generation.name).config.update(description=_description(generation))


def _description(generation: Generation) -> str:
    collection = generation.collection
    stored = {
        "model": collection.model,
        "dimension": collection.dimension,
        "follows": generation.follows,
        "indexing": generation.indexing,
    }
    return _PREFIX + json.dumps(stored)


async def create(client: WeaviateAsyncClient, generation: Generation) -> None:
    """Create the collection of a generation."""
    await client.collections.create(
        generation.name,
        description=_description(generation),
        multi_tenancy_config=Configure.multi_tenancy(
            enabled=True, auto_tenant_creation=True, auto_tenant_activation=True
        ),
        # No quantisation: up to 40,000 records that match a filter are compared exactly.
        vector_config=Configure.Vectors.self_provided(
            quantizer=Configure.VectorIndex.Quantizer.none(),
            vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE),
        ),
        # Terms are stemmed and without stop words already.
        inverted_index_config=Configure.inverted_index(
            bm25_k1=K1, bm25_b=B, stopwords_preset=StopwordsPreset.NONE
        ),
        properties=_properties(),
    )


def _properties() -> list[Property]:
    text, number = DataType.TEXT, DataType.NUMBER
    words = Property(
        name="words",
        data_type=text,
        tokenization=Tokenization.WHITESPACE,
        index_filterable=False,
        index_searchable=True,
    )
    exact = {"tokenization": Tokenization.FIELD, "index_filterable": True, "index_searchable": False}
    ranged = {"index_filterable": True, "index_range_filters": True}
    stored = {"index_filterable": False}
    stored_text = {"index_filterable": False, "index_searchable": False}
    groups: list[tuple[tuple[str, ...], DataType, dict[str, Any]]] = [
        (("key", "scope", "kind", "session", "topic"), text, exact),
        (("superseded",), DataType.BOOL, {"index_filterable": True}),
        (("place", "moved"), DataType.INT, {"index_filterable": True}),
        (("at", "ends"), number, ranged),
        (("importance", "expires", "used"), number, stored),
        (("uses",), DataType.INT, stored),
        (("tenant", "ident", "text", "speaker", "trust", "superseded_by"), text, stored_text),
        (("sources",), DataType.TEXT_ARRAY, stored_text),
    ]
    return [words, *(Property(name=n, data_type=kind, **how) for names, kind, how in groups for n in names)]
