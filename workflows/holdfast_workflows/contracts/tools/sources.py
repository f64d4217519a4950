"""Tools that an agent declares and a worker provides: the worker makes their functions from settings."""

from ..agent.spec import ToolSpec
from ..teams.delegation import DelegateSettings
from ..teams.handoff import HandoffSettings
from .a2a import A2aSettings
from .code import CodeSettings
from .http import HttpSettings


class ProvidedTool:
    """A tool without a function of the user: its spec, its settings and its earlier names."""

    def __init__(
        self,
        spec: ToolSpec,
        settings: A2aSettings | HttpSettings | CodeSettings | DelegateSettings | HandoffSettings,
        aliases: tuple[str, ...] = (),
    ) -> None:
        self.spec = spec
        self.settings = settings
        self.aliases = aliases

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec.name!r})"
