"""The scripted model embeds without meaning: the same words give near vectors, the same text the same vector."""

import json
import math
import urllib.request

from holdfast.testing import ScriptedModel
from holdfast.testing.server.embeddings import DIMENSION, hashed


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)


def test_texts_are_near_that_share_words() -> None:
    asked, near, far = hashed(["Where does Ann live?", "Ann does live there.", "The printer jams."])
    assert cosine(asked, near) > 0.5 > cosine(asked, far)
    assert [len(vector) for vector in hashed(["", "a", "a a"])] == [DIMENSION] * 3
    assert all(any(vector) for vector in hashed(["", *(f"{i} {i + 1}" for i in range(500))]))


def test_a_server_in_a_process_of_its_own_embeds_one_text_or_several() -> None:
    with ScriptedModel.spawn("tests.testing.scripts:GREETING") as server:
        for given, count in (("one", 1), (["one", "two"], 2)):
            body = json.dumps({"model": "any", "input": given}).encode()
            request = urllib.request.Request(f"{server.openai_url}/embeddings", body)
            with urllib.request.urlopen(request, timeout=10) as answer:
                rows = json.load(answer)["data"]
            assert [row["index"] for row in rows] == list(range(count))
            assert rows[0]["embedding"] == hashed(["one"])[0]
