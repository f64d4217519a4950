"""Search attributes: what sessions can be listed and filtered by."""

from __future__ import annotations

from typing import Any, Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import SearchAttributesMissing, SettingsInvalid, TemporalUnreachable

AGENT: Final = SearchAttributeKey.for_keyword(names.ATTRIBUTE_AGENT)
TENANT: Final = SearchAttributeKey.for_keyword(names.ATTRIBUTE_TENANT)
USER: Final = SearchAttributeKey.for_keyword(names.ATTRIBUTE_USER)
STATUS: Final = SearchAttributeKey.for_keyword(names.ATTRIBUTE_STATUS)
WAITING: Final = SearchAttributeKey.for_keyword(names.ATTRIBUTE_WAITING)
COST: Final = SearchAttributeKey.for_float(names.ATTRIBUTE_COST)
TURNS: Final = SearchAttributeKey.for_int(names.ATTRIBUTE_TURNS)

_KEYS: Final[tuple[SearchAttributeKey[Any], ...]] = (AGENT, TENANT, USER, STATUS, WAITING, COST, TURNS)

TYPES: Final = {key.name: key.indexed_value_type.name.capitalize() for key in _KEYS}
"""Each attribute's type, in the words of Temporal's command line: Keyword, Double, Int."""

_REFUSED: Final = frozenset(
    {
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
    }
)


async def ensure(client: Client) -> list[str]:
    """Register the attributes that the client's namespace lacks; return their names.

    A workflow task that upserts an unknown attribute fails again and again, so a worker calls this before
    it polls.

    Raises:
        SearchAttributesMissing: The server does not allow it; the detail is the command that an
            administrator runs.
        SettingsInvalid: The namespace does not exist.
        TemporalUnreachable: The server did not answer.
    """
    operator = client.operator_service
    try:
        known = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
        missing = {
            key.name: IndexedValueType.ValueType(key.indexed_value_type)
            for key in _KEYS
            if key.name not in known.custom_attributes
        }
        if missing:
            await operator.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status == RPCStatusCode.ALREADY_EXISTS:  # another worker was first
            return []
        if error.status in _REFUSED:
            raise SearchAttributesMissing(command(client.namespace)) from error
        if error.status == RPCStatusCode.INVALID_ARGUMENT:  # the namespace has too many attributes of a type
            raise SearchAttributesMissing(f"{error.message}; {command(client.namespace)}") from error
        if error.status == RPCStatusCode.NOT_FOUND:
            raise SettingsInvalid(f"HOLDFAST_NAMESPACE: {error.message}") from error
        raise TemporalUnreachable(error.message) from error
    return list(missing)


def command(namespace: str) -> str:
    """The command that registers all attributes in a namespace."""
    pairs = " ".join(f"--name {name} --type {kind}" for name, kind in TYPES.items())
    return f"temporal operator search-attribute create --namespace {namespace} {pairs}"
