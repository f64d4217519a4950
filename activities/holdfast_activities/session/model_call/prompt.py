"""The prompt for the next reply of a session, and the record of how it was built."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from holdfast_activities.context import (
    Conversation,
    Item,
    PromptAccount,
    PromptBudget,
    TokenCalibration,
    budget,
)
from holdfast_activities.context.untrusted.frames import RULE
from holdfast_activities.context.untrusted.vault import RULE as PII_RULE
from holdfast_activities.models import wire
from holdfast_activities.models.base import Fragment, Model, ModelRequest
from holdfast_workflows.contracts.agent.fallbacks import CachedReply, SimplifiedReply
from holdfast_workflows.contracts.names import READ_MORE
from holdfast_workflows.contracts.session.steps import ThinkInput
from holdfast_workflows.contracts.text.unicode import dump_json

from ..common.agents import LiveAgent
from ..common.instructions import TurnInstructions

_SIMPLE_REPLY = 500
"""``max_tokens`` of a simplified reply."""

_FINAL = (
    "No more tools can be called and nothing more can be looked up. "
    "Answer now, as well as you can, with what you have; say what is missing."
)
_SIMPLE = "Answer briefly, from what the message says and what you know; say so if that is not enough."


@dataclass(frozen=True, slots=True)
class Prompt:
    """A model request, and the record of how it was built."""

    request: ModelRequest
    account: PromptAccount

    @property
    def bytes(self) -> int:
        request = self.request
        conversation = sum(len(fragment.data) for fragment in request.fragments)
        return conversation + len(request.instructions) + len(request.tools)

    def results(self) -> dict[str, int]:
        """Estimated tokens of the results of each tool."""
        found: dict[str, int] = {}
        for fragment in self.request.fragments:
            if fragment.tool:
                found[fragment.tool] = found.get(fragment.tool, 0) + fragment.tokens
        return found


class PromptSource:
    """Builds the prompts of one ``think``."""

    def __init__(
        self, step: ThinkInput, agent: LiveAgent, ratios: TokenCalibration, instructions: TurnInstructions
    ) -> None:
        self.step = step
        self.agent = agent
        self._ratios = ratios
        self._source = instructions
        self.instructions = agent.spec.instructions
        self.simple = isinstance(agent.fallback(step.fallback), SimplifiedReply)
        # Prompts of two sessions may be equal although their personal data is not.
        self.caches_replies = agent.spec.pii is None and any(
            isinstance(each, CachedReply) for each in agent.spec.fallbacks
        )
        output = agent.spec.output
        self._shape = "" if output is None else dump_json(output.model_dump())

    @property
    def readable(self) -> bool:
        # The rest of a truncated text can be read.
        return READ_MORE in self.agent.tools

    async def prepare(self) -> None:
        await self._ratios.load()

    async def instruct(self) -> None:
        """Get the turn's instructions; ``prompt`` needs them."""
        if self.agent.spec.dynamic_instructions:
            self.instructions = self.instructions or await self._source.of(self.agent, self.step)

    def learn(self, prompt: Prompt, reported: int) -> None:
        """Calibrate with the provider's token count."""
        self._ratios.learn(prompt.account.model, prompt.account.estimated, reported)

    def prompt(self, model: Model, conversation: Conversation) -> Prompt:
        spec, step = self.agent.spec, self.step
        tools = b"" if self.simple else self.agent.wire_tools(model)
        extra = _SIMPLE if self.simple else _FINAL if step.mode == "final" else ""
        rules = (RULE if self.agent.reads_untrusted else "", PII_RULE if spec.pii else "")
        own = conversation.vault.hidden(self.instructions)
        instructions = "\n\n".join(part for part in (own, *rules, extra) if part)
        made = self._budget(model, instructions, tools)
        fragments, items = self._shown(conversation, made)
        request = ModelRequest(
            instructions=instructions,
            fragments=fragments,
            tools=tools,
            output=spec.output,
            max_tokens=self._reply(model, made),
            temperature=spec.temperature,
            timeout=spec.model_timeout,
            stream=step.streaming,
            no_calls=step.mode == "final" and bool(tools),
            plain=conversation.plain,
        )
        return Prompt(request, PromptAccount(model.name, made, items, conversation.need, step.digest))

    def _budget(self, model: Model, instructions: str, tools: bytes) -> PromptBudget:
        spec = self.agent.spec
        return budget(
            min(spec.context_window or model.window, model.window),
            ratio=self._ratios.of(model.name),
            instructions=wire.weigh(instructions) + wire.weigh(self._shape),
            tools=wire.weigh(tools),
            reply=spec.max_tokens or 0,
        )

    def _reply(self, model: Model, made: PromptBudget) -> int | None:
        """The reply's ``max_tokens``, capped to the space that the prompt leaves in the window."""
        asked = self.agent.spec.max_tokens
        if self.simple:
            return min(asked or _SIMPLE_REPLY, _SIMPLE_REPLY)
        return None if asked is None else min(asked, model.window - made.tokens)

    def _shown(
        self, conversation: Conversation, made: PromptBudget
    ) -> tuple[Sequence[Fragment], Sequence[Item]]:
        if self.simple:
            return conversation.alone(made.limit)
        return conversation.within(made.limit, made.share), conversation.items()

    def digest(self, request: ModelRequest) -> str:
        """The key of a cached reply: tenant, agent and ``fingerprint``."""
        return f"{self.step.tenant}/{self.step.agent}/{fingerprint(request, self._shape)}"


def fingerprint(request: ModelRequest, shape: str) -> str:
    """Hash of everything the model reads, and of the output schema."""
    parts = [_digest(request.instructions), _digest(request.tools), _digest(shape)]
    parts += [fragment.digest for fragment in request.fragments]
    # Digests have a fixed length, so their concatenation is unambiguous; that of the texts is not.
    return hashlib.sha256(b"".join(parts)).hexdigest()[:40]


@lru_cache(maxsize=256)
def _digest(text: str | bytes) -> bytes:
    """Cached, because an agent's instructions, tools and output schema are the same at every step."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).digest()
