"""Search attributes: what sessions can be listed and filtered by."""

from __future__ import annotations

from typing import Final

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
COST: Final = SearchAttributeKey.for_float(names.ATTRIBUTE_COST)
TURNS: Final = SearchAttributeKey.for_int(names.ATTRIBUTE_TURNS)

TYPES: Final[dict[str, str]] = {
    AGENT.name: "Keyword",
    TENANT.name: "Keyword",
    USER.name: "Keyword",
    STATUS.name: "Keyword",
    COST.name: "Double",
    TURNS.name: "Int",
}
"""Each attribute's type, in the words of Temporal's command line."""

_ENUM: Final = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
}
_REFUSED: Final = frozenset({
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
})  # fmt: skip


async def ensure(client: Client) -> list[str]:
    """Register the attributes that the client's namespace lacks.

    A session upserts its attributes, and a workflow task that upserts an unknown one
    fails for ever; so a worker calls this before it polls.

    Returns:
        The names registered now; empty if all were there.

    Raises:
        SearchAttributesMissing: The server lets us neither look nor register; the detail
            is the command that an administrator runs.
        SettingsInvalid: There is no such namespace.
        TemporalUnreachable: The server did not answer.
    """
    operator = client.operator_service
    try:
        known = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
        missing = [name for name in TYPES if name not in known.custom_attributes]
        if missing:
            await operator.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes={name: _ENUM[TYPES[name]] for name in missing},
                )
            )
    except RPCError as error:
        if error.status == RPCStatusCode.ALREADY_EXISTS:  # another worker was quicker
            return []
        if error.status in _REFUSED:
            raise SearchAttributesMissing(command(client.namespace)) from error
        if error.status == RPCStatusCode.INVALID_ARGUMENT:  # the namespace has room for no more of a type
            raise SearchAttributesMissing(f"{error.message}; {command(client.namespace)}") from error
        if error.status == RPCStatusCode.NOT_FOUND:
            raise SettingsInvalid(f"HOLDFAST_NAMESPACE: {error.message}") from error
        raise TemporalUnreachable(error.message) from error
    return missing


def command(namespace: str) -> str:
    """The command that registers all attributes in a namespace."""
    pairs = " ".join(f"--name {name} --type {kind}" for name, kind in TYPES.items())
    return f"temporal operator search-attribute create --namespace {namespace} {pairs}"
