"""Assertions and proofs: only what a key of the deployment has signed counts, and only for one request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast_workflows.contracts.control.assertions import (
    Assertion,
    Key,
    Request,
    issue,
    prove,
    read,
    verified,
)
from holdfast_workflows.contracts.control.identity import Principal

KEY, OLD = Key.of(b"k" * 32), Key.of(b"o" * 32)
KEYS = {KEY.id: KEY, OLD.id: OLD}
ANN = Assertion(
    principal=Principal(id="ann", roles=("user",), tenant="acme"), issued=1.0, expires=2.0, nonce="n"
)
REQUEST = Request("update", "default", "session-1", "send", "digest", "m-1")


def test_a_signed_assertion_is_read_back_with_its_proof_key() -> None:
    text, proof_key = issue(ANN, KEY)
    assert verified(text, KEYS) == (ANN, proof_key)
    assert read(text) == ANN


def test_an_assertion_of_an_older_key_counts_while_that_key_is_listed() -> None:
    text, _ = issue(ANN, OLD)
    assert verified(text, KEYS) is not None
    assert verified(text, {KEY.id: KEY}) is None


def test_no_changed_character_of_an_assertion_is_accepted() -> None:
    text, _ = issue(ANN, KEY)
    for at, character in enumerate(text):
        other = "B" if character == "A" else "A"
        changed = text[:at] + other + text[at + 1 :]
        assert verified(changed, KEYS) is None, at


def test_another_principal_under_the_same_signature_is_refused() -> None:
    mine, _ = issue(ANN, KEY)
    other, _ = issue(ANN.model_copy(update={"principal": Principal(id="root", kind="operator")}), OLD)
    key, _, signature = mine.split(".")
    assert verified(f"{key}.{other.split('.')[1]}.{signature}", KEYS) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "\x00.\ud800.é", f"{KEY.id}..", f"{KEY.id}.e30.AA"])
def test_malformed_assertions_are_refused(text: str) -> None:
    assert verified(text, KEYS) is None
    assert read(text) is None


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "query"},
        {"namespace": "other"},
        {"target": "session-2"},
        {"name": "close"},
        {"digest": "other"},
        {"id": "m-2"},
        # The same characters, divided differently.
        {"target": "session-1s", "name": "end"},
    ],
)
def test_a_proof_is_of_no_use_for_another_request(change: dict[str, Any]) -> None:
    _, proof_key = issue(ANN, KEY)
    assert prove(replace(REQUEST, **change), 1.0, proof_key) != prove(REQUEST, 1.0, proof_key)
    assert prove(REQUEST, 1.5, proof_key) != prove(REQUEST, 1.0, proof_key)


def test_a_proof_needs_the_proof_key_which_the_assertion_does_not_contain() -> None:
    text, proof_key = issue(ANN, KEY)
    _, other = issue(ANN.model_copy(update={"nonce": "other"}), KEY)
    assert proof_key not in text.encode()
    assert prove(REQUEST, 1.0, other) != prove(REQUEST, 1.0, proof_key)
