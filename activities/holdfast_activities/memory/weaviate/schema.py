"""The collections that memories are in: their properties, and how one says what it holds.

The memories are reached by an alias. It names one collection, a generation, whose description says
which model its vectors are of, so that the two can never disagree. A migration fills another
generation and points the alias at it, which the server does at once.
"""

import json
import re
from dataclasses import dataclass

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
B = 0.75
"""Of BM25."""

_WORDS = "Memories of Holdfast. Written by its workers; change nothing by hand. "


@dataclass(frozen=True, slots=True)
class Generation:
    """A collection of the server, and what its vectors are.

    Attributes:
        name: At the server.
        collection: What its vectors are.
        follows: The name of the generation it takes the place of, whether that is still there or not.
        indexing: Which version of the terms the words in it are of.
    """

    name: str
    collection: Collection
    follows: str = ""
    indexing: int = 0


async def served(client: WeaviateAsyncClient, alias: str) -> Generation | None:
    """The generation that the alias names; None where there is none."""
    target = await client.alias.get(alias_name=alias)
    return await look_up(client, target.collection) if target else None


async def look_up(client: WeaviateAsyncClient, name: str) -> Generation | None:
    """A generation by its name; None if there is none, or the server made a collection of that name by itself."""
    try:
        config = await client.collections.use(name).config.get()
    except UnexpectedStatusCodeError as error:
        if error.status_code == 404:
            return None
        raise
    text = (config.description or "").removeprefix(_WORDS)
    try:
        said = json.loads(text)
        return Generation(
            name, Collection(said["model"], said["dimension"]), said["follows"], said.get("indexing", 0)
        )
    except (ValueError, KeyError, TypeError):
        return None


async def leftovers(client: WeaviateAsyncClient, alias: str) -> list[str]:
    """All collections that are generations of this alias by their names."""
    pattern = re.compile(rf"{alias}_[0-9a-f]{{12}}")
    return sorted(name for name in await client.collections.list_all() if pattern.fullmatch(name))


async def describe(client: WeaviateAsyncClient, generation: Generation) -> None:
    """Have the collection of a generation say what it now is."""
    await client.collections.use(generation.name).config.update(description=_description(generation))


def _description(generation: Generation) -> str:
    said = {
        "model": generation.collection.model,
        "dimension": generation.collection.dimension,
        "follows": generation.follows,
        "indexing": generation.indexing,
    }
    return _WORDS + json.dumps(said)


async def create(client: WeaviateAsyncClient, generation: Generation) -> None:
    """Make the collection of a generation."""
    await client.collections.create(
        generation.name,
        description=_description(generation),
        multi_tenancy_config=Configure.multi_tenancy(
            enabled=True, auto_tenant_creation=True, auto_tenant_activation=True
        ),
        # Without quantisation: up to 40,000 records that a filter lets through are compared exactly.
        vector_config=Configure.Vectors.self_provided(
            quantizer=Configure.VectorIndex.Quantizer.none(),
            vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE),
        ),
        # Terms come stemmed and without stop words; none that is left may be passed over.
        inverted_index_config=Configure.inverted_index(
            bm25_k1=K1, bm25_b=B, stopwords_preset=StopwordsPreset.NONE
        ),
        properties=_properties(),
    )


def _properties() -> list[Property]:
    return [
        Property(
            name="words",
            data_type=DataType.TEXT,
            tokenization=Tokenization.WHITESPACE,
            index_filterable=False,
            index_searchable=True,
        ),
        *(
            Property(
                name=name,
                data_type=DataType.TEXT,
                tokenization=Tokenization.FIELD,
                index_filterable=True,
                index_searchable=False,
            )
            for name in ("key", "scope", "kind", "session", "topic")
        ),
        Property(name="superseded", data_type=DataType.BOOL, index_filterable=True),
        *(Property(name=name, data_type=DataType.INT, index_filterable=True) for name in ("place", "moved")),
        *(
            Property(name=name, data_type=DataType.NUMBER, index_filterable=True, index_range_filters=True)
            for name in ("at", "ends")
        ),
        *(
            Property(name=name, data_type=kind, index_filterable=False)
            for name, kind in (
                ("importance", DataType.NUMBER),
                ("expires", DataType.NUMBER),
                ("used", DataType.NUMBER),
                ("uses", DataType.INT),
            )
        ),
        *(
            Property(name=name, data_type=kind, index_filterable=False, index_searchable=False)
            for name, kind in (
                ("tenant", DataType.TEXT),
                ("ident", DataType.TEXT),
                ("text", DataType.TEXT),
                ("speaker", DataType.TEXT),
                ("trust", DataType.TEXT),
                ("superseded_by", DataType.TEXT),
                ("sources", DataType.TEXT_ARRAY),
            )
        ),
    ]
