"""Choose the embedder that a setting names."""

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
    """Return the embedder of HOLDFAST_EMBEDDINGS; None to search by words only.

    ``setting`` is ``none``, ``minilm:FOLDER``, ``PROVIDER:MODEL``, or empty for ``models/all-MiniLM-L6-v2`` in
    ``home``, if it exists.

    Raises:
        SettingsInvalid: The setting is invalid.
        EmbedderBroken: The embedder cannot be used.
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
        raise SettingsInvalid(f"HOLDFAST_EMBEDDINGS: {setting!r} is not an embedder. Use {_FORMS}")
    from .openai import OpenAIEmbedder  # loads numpy and httpx

    return OpenAIEmbedder(kind, name, config, environ)


def no_embedder_warning(home: Path) -> str:
    """Return the warning for memories without an embedder that were not set to ``none``."""
    return (
        "memories are found by their words only, not by their meaning: no model was found in "
        f"{_folder(home)}, and HOLDFAST_EMBEDDINGS is empty. Set it to {_FORMS}"
    )


def _folder(home: Path) -> Path:
    return home / "models" / minilm.MODEL
