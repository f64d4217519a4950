"""Questions that a server asks during a call: found by their digest, and answered by a person before the next attempt.

The call is not kept open while a person thinks. The server gets "cancel" and ends it; after the answer it is made
again, and the same question then has its answer. Servers of the protocol of 2026 return their questions instead of
a result, and are answered in the same way.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_REQUEST,
    URL_ELICITATION_REQUIRED,
    ElicitRequest,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    ErrorData,
    InputRequest,
)

from holdfast_workflows.contracts.errors import ToolError
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.steps import ToolQuestion
from holdfast_workflows.contracts.text.unicode import preview

_SHOWN = 500
"""Characters of a server's question."""


class Inputs:
    """What is known for one call: the answers of people, and the first question without one."""

    def __init__(self, server: str, answers: Mapping[str, str]) -> None:
        self.asked: ToolQuestion | None = None
        self._server = server
        self._answers = answers

    def answer(self, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        """The answer to a question; "cancel" if a person has to be asked first."""
        question = self._question(params)
        if question is None:
            return ErrorData(code=INVALID_REQUEST, message="this question cannot be shown to a person")
        given = self._answers.get(question.digest)
        if given is None:
            self.asked = self.asked or question
            return ElicitResult(action="cancel")
        return ElicitResult(action="accept", content=json.loads(given) if question.form else None)

    def answer_input(self, request: InputRequest) -> ElicitResult | None:
        """The answer to a question that a server returned instead of a result; None if a person has to be asked.

        Raises:
            ToolError: The server asks for something else than input of a person.
        """
        if not isinstance(request, ElicitRequest):
            raise ToolError(f"server {self._server!r} asks for {request.method}, which is refused")
        result = self.answer(request.params)
        if isinstance(result, ErrorData):
            raise ToolError(result.message)
        return None if self.asked else result

    def _question(self, params: ElicitRequestParams) -> ToolQuestion | None:
        asks = f"server {self._server!r} asks: {preview(params.message, _SHOWN)}"
        if isinstance(params, ElicitRequestURLParams):
            if not _may_be_opened(params.url):
                return None
            asks = f"{asks} – open {params.url} and answer when it is done"
            return ToolQuestion(kind="elicitation", what=asks, digest=_digest(params.message, params.url))
        form: Any = params.requested_schema
        schema = json.dumps(form, sort_keys=True)
        if len(schema) > INLINE_TEXT or not _is_form(form):
            return None
        return ToolQuestion(kind="elicitation", what=asks, digest=_digest(params.message, schema), form=form)


def consent(server: str, why: str) -> ToolQuestion:
    """The question for access to a server in a user's name."""
    return ToolQuestion(
        kind="consent", what=f"server {server!r} needs the user's consent: {preview(why, _SHOWN)}"
    )


def consent_by_url(server: str, error: MCPError) -> ToolQuestion | None:
    """The question of a server that refused a call until the user has opened a page."""
    data: Any = error.data
    if error.code != URL_ELICITATION_REQUIRED or not isinstance(data, dict):
        return None
    pages: list[Any] = cast("dict[str, Any]", data).get("elicitations", [])
    for page in pages:
        url = str(page.get("url", ""))
        if _may_be_opened(url):
            return consent(server, f"{page.get('message', '')} – open {url}")
    return None


def _is_form(form: Any) -> bool:
    """Whether a schema is flat, as the protocol demands, so that workflow code can check answers."""
    fields = form.get("properties")
    if not isinstance(fields, dict) or not fields or not isinstance(form.get("required", []), list):
        return False
    for field in cast("dict[str, Any]", fields).values():
        if not isinstance(field, dict) or not isinstance(field.get("items", {}), dict):  # pyright: ignore[reportUnknownMemberType]  # data of the server
            return False
    return True


def _may_be_opened(url: str) -> bool:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    return (
        len(url) <= _SHOWN
        and url.isprintable()
        and bool(parts.hostname)
        and (parts.scheme == "https" or local)
    )


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:24]
