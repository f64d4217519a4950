"""weaviate-client, imported here and nowhere else.

Importing it takes half a second and 70 MB, so this module waits until a store is opened. What the
client changes in the process's warnings on its way in is put back.
"""

import importlib
import importlib.util
import warnings

from holdfast_workflows.contracts.errors import SettingsInvalid

with warnings.catch_warnings():
    if importlib.util.find_spec("authlib"):
        # Its own filter lets all its warnings through and stands before those that are there already.
        importlib.import_module("authlib.deprecate")
    # It asks for httpx2; which of the two there is, is the client's affair, not our users'.
    warnings.filterwarnings("ignore", "The httpx module is deprecated", DeprecationWarning)
    try:
        from weaviate import WeaviateAsyncClient, use_async_with_custom
        from weaviate.classes.aggregate import GroupByAggregate
        from weaviate.classes.config import (
            Configure,
            DataType,
            Property,
            StopwordsPreset,
            Tokenization,
            VectorDistances,
        )
        from weaviate.classes.data import DataObject
        from weaviate.classes.init import AdditionalConfig, Timeout
        from weaviate.classes.query import BM25Operator, Filter, FilterReturn, MetadataQuery, Sort
        from weaviate.collections import CollectionAsync
        from weaviate.exceptions import UnexpectedStatusCodeError, WeaviateBaseError
        from weaviate.outputs.query import Object
    except ModuleNotFoundError as error:
        raise SettingsInvalid(
            f"HOLDFAST_MEMORY_URL names Weaviate, and its client is not installed ({error.name} is missing); "
            'run `pip install "holdfast[weaviate]"`'
        ) from None

__all__ = [
    "AdditionalConfig",
    "BM25Operator",
    "CollectionAsync",
    "Configure",
    "DataObject",
    "DataType",
    "Filter",
    "FilterReturn",
    "GroupByAggregate",
    "MetadataQuery",
    "Object",
    "Property",
    "Sort",
    "StopwordsPreset",
    "Timeout",
    "Tokenization",
    "UnexpectedStatusCodeError",
    "VectorDistances",
    "WeaviateAsyncClient",
    "WeaviateBaseError",
    "use_async_with_custom",
]
