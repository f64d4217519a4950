"""HOLDFAST_EMBEDDINGS names the embedder."""

from pathlib import Path

import pytest

from holdfast_activities.memory.embedders import MiniLM, choose_embedder
from holdfast_activities.memory.embedders.openai import OpenAIEmbedder
from holdfast_activities.models.config import providers_from
from holdfast_workflows.contracts.errors import SettingsInvalid

ENVIRON = {"OPENAI_API_KEY": "sk-abcdefgh12345678"}
PROVIDERS = providers_from(ENVIRON)


def test_nothing_said_and_no_folder_is_words_only(tmp_path: Path) -> None:
    assert choose_embedder("", tmp_path, PROVIDERS, ENVIRON) is None
    assert choose_embedder("none", tmp_path, PROVIDERS, ENVIRON) is None


def test_nothing_said_takes_the_folder_of_the_home(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "all-MiniLM-L6-v2"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    assert isinstance(choose_embedder("", tmp_path, PROVIDERS, ENVIRON), MiniLM)


async def test_a_folder_and_a_provider_are_named(tmp_path: Path) -> None:
    assert isinstance(choose_embedder(f"minilm:{tmp_path}", tmp_path, PROVIDERS, ENVIRON), MiniLM)
    made = choose_embedder("openai:text-embedding-3-small", tmp_path, PROVIDERS, ENVIRON)
    assert isinstance(made, OpenAIEmbedder)
    assert made.model == "openai:text-embedding-3-small"
    await made.close()


@pytest.mark.parametrize(
    "setting", ["gpt", "openai:", "minilm:", "anthropic:claude", "none:x", "other:model"]
)
def test_what_names_none_is_refused(setting: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="HOLDFAST_EMBEDDINGS"):
        choose_embedder(setting, tmp_path, PROVIDERS, ENVIRON)
