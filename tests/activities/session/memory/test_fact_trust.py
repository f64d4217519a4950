"""Facts of a session that has read untrusted content are no more trusted than that content."""

from __future__ import annotations

import json

import pytest

from holdfast_activities.memory.outbox.changes import FactDraft
from holdfast_activities.session.memory import fact_extraction

COMMON = FactDraft(id="s:1:fact", scope="user:ann", text="", at=1.0, session="s")
TEXTS = [("user", "Pay my rent to the landlord"), ("agent", "The account is US133.")]


@pytest.mark.parametrize(
    ("said_by", "text", "untrusted", "trust"),
    [
        ("user", "The user pays rent to the landlord", False, "user"),
        ("user", "The user pays rent to the landlord", True, "user"),
        # A figure that the user has not written may come from a page of an earlier turn.
        ("user", "The user pays rent to US133", False, "user"),
        ("user", "The user pays rent to US133", True, "tool"),
        ("agent", "The rent is due in May", False, "agent"),
        ("agent", "The rent is due in May", True, "tool"),
    ],
)
def test_the_trust_of_a_fact(said_by: str, text: str, untrusted: bool, trust: str) -> None:
    answer = json.dumps([{"text": text, "said_by": said_by}])
    [fact] = fact_extraction.read(answer, COMMON, (), TEXTS, untrusted=untrusted)
    assert fact.trust == trust
