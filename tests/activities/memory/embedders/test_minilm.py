"""all-MiniLM-L6-v2 in numpy gives what the model gives, and refuses what is not the model."""

import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load
from tokenizers import Tokenizer

from holdfast_activities.memory.embedders import MiniLM
from holdfast_activities.memory.embedders.minilm import SHA256
from holdfast_workflows.contracts.errors import EmbedderBroken

from . import reference

TEXTS = [
    "The cat sat on the mat.",
    "Où est la bibliothèque ? Elle est fermée depuis mardi.",
    "x",
    "The quarterly report shows that revenue in the north grew by 12 % while the south shrank. " * 3,
]


async def test_the_vectors_are_those_of_a_plain_pass_in_float64(minilm: MiniLM, minilm_folder: Path) -> None:
    weights = load((minilm_folder / "model.safetensors").read_bytes())
    tokenizer = Tokenizer.from_file(str(minilm_folder / "tokenizer.json"))
    tokenizer.no_padding()
    made = await minilm.embed(TEXTS)
    for text, vector in zip(TEXTS, made, strict=True):
        expected = reference.embed(weights, tokenizer.encode(text).ids)
        assert np.abs(vector - expected).max() < 2e-6
        assert vector.dtype == np.float32


async def test_a_text_has_the_same_vector_alone_and_among_others(minilm: MiniLM) -> None:
    together = await minilm.embed(TEXTS * 9)
    for place, text in enumerate(TEXTS):
        alone = (await minilm.embed([text]))[0]
        assert np.abs(alone - together[place]).max() < 2e-6
        assert np.abs(alone - together[place + 8 * len(TEXTS)]).max() < 2e-6


async def test_a_paraphrase_is_nearer_than_another_subject(minilm: MiniLM) -> None:
    asked, same, other = await minilm.embed(
        ["Where does Ann live now?", "Ann has moved to Lisbon.", "The printer is out of paper."]
    )
    assert asked @ same > 0.4 > 0.2 > asked @ other


async def test_only_the_first_256_tokens_are_read(minilm: MiniLM) -> None:
    one, two = await minilm.embed(["word " * 400 + "lion", "word " * 400 + "tiger"])
    assert np.array_equal(one, two)


async def test_no_texts_and_empty_texts_and_broken_texts_are_embedded(minilm: MiniLM) -> None:
    assert await minilm.embed([]) == []
    made = await minilm.embed(["", "\ud800\x00", "a" * 100_000])
    assert all(abs(float(np.linalg.norm(vector)) - 1) < 1e-5 for vector in made)
    assert await minilm.dimension() == 384


async def test_other_weights_under_the_name_are_refused_with_both_digests(
    tmp_path: Path, minilm_folder: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    shutil.copy(minilm_folder / "tokenizer.json", folder)
    (folder / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(EmbedderBroken) as refused:
        await MiniLM(folder).embed(["x"])
    assert SHA256 in str(refused.value)
    assert hashlib.sha256(b"other weights").hexdigest() in str(refused.value)


async def test_a_folder_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderBroken, match=r"model\.safetensors"):
        await MiniLM(tmp_path).dimension()


async def test_without_the_extra_its_name_is_said(
    monkeypatch: pytest.MonkeyPatch, minilm_folder: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(EmbedderBroken, match=r"holdfast\[minilm\]"):
        await MiniLM(minilm_folder).dimension()


async def test_what_is_no_model_file_is_refused_though_its_digest_fits(
    tmp_path: Path, minilm_folder: Path
) -> None:
    shutil.copy(minilm_folder / "tokenizer.json", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    empty = hashlib.sha256(b"").hexdigest()
    with pytest.raises(EmbedderBroken, match="cannot be read"):
        await MiniLM(tmp_path, sha256=empty).dimension()
