"""Which embedder a setting names."""

from collections.abc import Mapping
from pathlib import Path

from holdfast_activities.memory.base import Embedder
from holdfast_activities.models.config import ProviderConfig
from holdfast_workflows.contracts.errors import SettingsInvalid

from . import minilm

_FORMS = "none, minilm:/path/to/folder, or provider:model such as openai:text-embedding-3-small"


def choose_embedder(
    setting: str, home: Path, providers: Mapping[str, ProviderConfig], environ: Mapping[str, str]
) -> Embedder | None:
    """The embedder of HOLDFAST_EMBEDDINGS; None to find memories by their words only.

    Args:
        setting: ``none``; ``minilm:`` and a folder; a provider and a model; or empty for the folder
            ``models/all-MiniLM-L6-v2`` of ``home`` if it is there.
        home: The folder of everything embedded.
        providers: What may stand before the colon.
        environ: Where ``env:`` references to keys are looked up.

    Raises:
        SettingsInvalid: It names none.
        EmbedderBroken: What it names cannot be used.
    """
    kind, _, name = setting.strip().partition(":")
    if kind == "none" and not name:
        return None
    if kind == "minilm" and name:
        return minilm.MiniLM(Path(name).expanduser())
    if not setting.strip():
        folder = _folder(home)
        return minilm.MiniLM(folder) if (folder / minilm.WEIGHTS).exists() else None
    config = providers.get(kind)
    if config is None or config.kind != "openai" or not name:
        raise SettingsInvalid(f"HOLDFAST_EMBEDDINGS: {setting!r} is no embedder; it is {_FORMS}")
    from .openai import OpenAIEmbedder  # loads numpy and httpx

    return OpenAIEmbedder(kind, name, config, environ)


def unchosen(home: Path) -> str:
    """Logged where memories are used without an embedder and ``none`` was not set."""
    return (
        "memories are found by their words only, not by their meaning: no model was found in "
        f"{_folder(home)}, and HOLDFAST_EMBEDDINGS names none; it takes {_FORMS}"
    )


def _folder(home: Path) -> Path:
    return home / "models" / minilm.MODEL
