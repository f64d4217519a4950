"""Replies in the shapes that each family of providers documents are read right.

Each file in ``families/`` holds the replies of one family, written by hand from its public
documentation, with what they should be read as beside each.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing import Reply, ScriptedModel
from holdfast_activities.models import ModelReply
from holdfast_workflows.contracts.errors import ModelError

from .conversations import NAMES, ask

FILES = sorted(Path(__file__).with_name("families").glob("*.toml"))
FORMS = ("plain", "tool", "stream", "error", "refusal")
FAMILIES = {path.stem: tomllib.loads(path.read_text()) for path in FILES}
REPLIES: list[dict[str, Any]] = [
    {"kind": family["kind"], **reply, "id": f"{name}: {reply['name']}"}
    for name, family in FAMILIES.items()
    for reply in family["reply"]
]
_OF_KIND = dict(zip(("openai", "anthropic"), NAMES, strict=True))


def _id(reply: dict[str, Any]) -> str:
    return str(reply["id"])


async def answered(reply: dict[str, Any]) -> ModelReply | ModelError:
    """What a model client makes of it."""
    stream = bool(reply.get("stream"))
    sent = Reply(
        raw=reply["body"].encode(),
        status=reply.get("status", 200),
        content_type="text/event-stream" if stream else "application/json",
    )
    async with ScriptedModel([sent]) as server:
        try:
            return await ask(server, _OF_KIND[reply["kind"]], stream=stream)
        except ModelError as error:
            return error


@pytest.mark.parametrize("reply", [each for each in REPLIES if "error" not in each], ids=_id)
async def test_a_reply_as_its_provider_documents_it_is_read_right(reply: dict[str, Any]) -> None:
    found = await answered(reply)
    assert isinstance(found, ModelReply), found
    assert (found.text, found.finish) == (reply.get("text", ""), reply["finish"])
    calls = reply.get("calls", [])
    assert [(call.name, json.loads(call.arguments)) for call in found.calls] == [
        (name, json.loads(arguments)) for _, name, arguments in calls
    ]
    ids = [call.id for call in found.calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert all(told in ("", id) for (told, _, _), id in zip(calls, ids, strict=True))
    if "usage" in reply:
        used = found.usage
        assert [used.input_tokens, used.output_tokens, used.cached_tokens] == reply["usage"]
        assert found.counted
    kept = found.extra.get(reply["kind"], {})
    assert set(reply.get("extra", ())) <= set(kept)


@pytest.mark.parametrize("reply", [each for each in REPLIES if "error" in each], ids=_id)
async def test_an_error_as_its_provider_documents_it_is_that_error(reply: dict[str, Any]) -> None:
    found = await answered(reply)
    assert isinstance(found, ModelError), found
    assert found.code == reply["error"]
    assert reply["words"] in found.detail
    assert found.retry_after == pytest.approx(reply.get("wait"), abs=0.01)


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_has_ten_replies_in_every_form(name: str) -> None:
    names = [reply["name"] for reply in FAMILIES[name]["reply"]]
    assert len(names) >= 10
    for form in FORMS:
        assert any(form in each or (form == "refusal" and "filtered" in each) for each in names), form
