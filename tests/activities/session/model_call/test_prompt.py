"""What a reply is kept under: a digest of all that the model reads, the same for the same prompt whoever asks."""

from dataclasses import replace

import pytest

from holdfast_activities.models.base import Fragment, ModelRequest
from holdfast_activities.session.model_call.prompt import fingerprint


def fragments(*texts: str, first: int = 1) -> list[Fragment]:
    return [Fragment(seq, "user", text.encode(), 1) for seq, text in enumerate(texts, first)]


REQUEST = ModelRequest(instructions="Look.", fragments=fragments("ab", "c"), tools=b"[]")


def test_the_same_prompt_has_the_same_digest_wherever_its_texts_stand_in_a_log() -> None:
    elsewhere = replace(REQUEST, fragments=fragments("ab", "c", first=70))
    assert fingerprint(elsewhere, "shape") == fingerprint(REQUEST, "shape")


@pytest.mark.parametrize(
    ("request_", "shape"),
    [
        (replace(REQUEST, fragments=fragments("a", "bc")), "shape"),
        (replace(REQUEST, fragments=fragments("abc")), "shape"),
        (replace(REQUEST, fragments=fragments("ab", "c", "")), "shape"),
        (replace(REQUEST, fragments=fragments("c", "ab")), "shape"),
        (replace(REQUEST, fragments=fragments("eab", "c")), "shap"),
        (replace(REQUEST, tools=b"[]shape"), ""),
        (replace(REQUEST, instructions="Look.[]", tools=b""), "shape"),
        (replace(REQUEST, instructions="Look"), "shape"),
        (REQUEST, "another"),
    ],
    ids=[
        "a boundary moved",
        "two texts in one",
        "an empty text more",
        "another order",
        "from the shape into a text",
        "from the shape into the tools",
        "from the tools into the instructions",
        "other instructions",
        "another shape",
    ],
)
def test_any_other_prompt_has_another_digest(request_: ModelRequest, shape: str) -> None:
    assert fingerprint(request_, shape) != fingerprint(REQUEST, "shape")


def test_instructions_with_half_a_character_have_a_digest() -> None:
    assert fingerprint(replace(REQUEST, instructions="\ud800"), "") != fingerprint(REQUEST, "")


def test_a_text_is_hashed_once_in_however_many_prompts_it_is() -> None:
    (fragment,) = fragments("ab")
    assert fragment.digest is fragment.digest
