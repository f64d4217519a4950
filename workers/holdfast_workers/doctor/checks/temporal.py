"""Temporal: it answers, keeps histories long enough, and has the search attributes."""

from __future__ import annotations

import time
from typing import Final

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetSystemInfoRequest
from temporalio.service import RPCError

from holdfast_temporal import attributes
from holdfast_workflows.contracts import limits

from ..examined import Examined
from ..findings import Finding, failed, warning, worst

_DAY: Final = 86_400


async def check(examined: Examined) -> Finding:
    """Read the server's version, and the namespace's retention, limits and search attributes."""
    client = await examined.client()
    service, began = client.workflow_service, time.monotonic()
    system = await service.get_system_info(GetSystemInfoRequest())
    answered = time.monotonic() - began
    try:
        namespace = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        return failed(
            f"namespace {client.namespace}: {error.message}", "create it, or set HOLDFAST_NAMESPACE"
        )
    found: list[Finding] = []
    retention = namespace.config.workflow_execution_retention_ttl.seconds
    if retention < _DAY:
        found.append(
            warning(
                f"the namespace keeps ended sessions for {retention / 3_600:g} h",
                "raise its retention to a day or more: resets, replays and `holdfast trace` need histories",
            )
        )
    blob = namespace.namespace_info.limits.blob_size_limit_error
    if blob and blob < limits.MAX_PAYLOAD:
        found.append(
            failed(
                f"the namespace refuses payloads over {blob:,} bytes, and Holdfast sends up to {limits.MAX_PAYLOAD:,}",
                "raise limit.blobSize.error of the namespace",
            )
        )
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    if missing := [name for name in attributes.TYPES if name not in known.custom_attributes]:
        found.append(
            failed(
                f"search attributes are missing: {', '.join(missing)}", attributes.command(client.namespace)
            )
        )
    return worst(
        found,
        f"server {system.server_version} answered in {answered * 1_000:.0f} ms; "
        f"{client.namespace} keeps histories for {retention / _DAY:g} day{'' if retention == _DAY else 's'}",
    )
