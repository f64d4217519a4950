"""Whether the user has written a value: as words of its own, in any case, numbers as numbers."""

from __future__ import annotations

import pytest

from holdfast_workflows.contracts.permissions.named import UserWords, named

TEXT = "Please pay 1,250.50 € to Bob Müller (bob@acme.com), see https://acme.com/bills/4711 for order A-17."


@pytest.mark.parametrize(
    ("value", "is_named"),
    [
        ("bob@acme.com", True),
        ("BOB@acme.com", True),
        ("bob  müller", True),
        (["bob@acme.com", "Bob Müller"], True),
        (["bob@acme.com", "eve@evil.com"], False),
        ({"to": "bob@acme.com", "cents": 1250.5}, True),
        (1250.5, True),
        (1250, False),
        (4711, True),
        ("A-17", True),
        ("https://acme.com/bills/4711", True),
        # Parts of an address, of a word or of a number are not what the user wrote.
        ("acme.com", False),
        ("ob@acme.com", False),
        ("bob@acme.co", False),
        ("https://acme.com/bills/47", False),
        ("17", False),
        ("1", False),
        ("ill", False),
        ("", True),
        (None, True),
        ([], True),
        (True, False),
        ("   ", False),
        (float("inf"), False),
    ],
)
def test_a_value_is_named_only_as_a_whole(value: object, is_named: bool) -> None:
    assert UserWords([TEXT]).have(value) == is_named


def test_arguments_with_their_defaults_count_as_named() -> None:
    words, values = UserWords(["Pay bob"]), {"to": "bob", "note": "invoice", "cents": 5}
    assert named(("to", "note", "*"), values, values, words, {}) == ("to",)
    assert named(("to", "*"), values, values, words, {"note": "invoice", "cents": 5}) == ("to", "*")
    assert named(("missing",), values, values, words, {}) == ()


def test_an_argument_that_is_too_long_to_be_judged_is_not_named() -> None:
    words = UserWords(["Pay bob"])
    assert named(("*",), ("to",), {"to": "bob"}, words, {}) == ("*",)
    assert named(("*", "note"), ("to", "note"), {"to": "bob"}, words, {}) == ()
