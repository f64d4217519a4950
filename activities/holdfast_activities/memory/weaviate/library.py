"""All imports of weaviate-client.

The import takes half a second and 70 MB, so this module is imported when a store is opened. Changes that the client
makes to the warning filters are undone.
"""

import importlib
import importlib.util
import warnings

from holdfast_workflows.contracts.errors import SettingsInvalid

with warnings.catch_warnings():
    if importlib.util.find_spec("authlib"):
        # It inserts a filter before existing ones that shows all its warnings.
        importlib.import_module("authlib.deprecate")
    # The client chooses between httpx and httpx2; users cannot change that.
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
            f"HOLDFAST_MEMORY_URL needs the Weaviate client, which is not installed ({error.name} is missing). "
            'Run `pip install "holdfast[weaviate]"`'
        ) from None

__all__ = [
    "AdditionalConfig", "BM25Operator", "CollectionAsync", "Configure", "DataObject", "DataType", "Filter",
    "FilterReturn", "GroupByAggregate", "MetadataQuery", "Object", "Property", "Sort", "StopwordsPreset", "Timeout",
    "Tokenization", "UnexpectedStatusCodeError", "VectorDistances", "WeaviateAsyncClient", "WeaviateBaseError",
    "use_async_with_custom",
]  # fmt: skip
