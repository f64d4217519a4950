"""Size limits of messages."""

from __future__ import annotations

import re

import pytest

from holdfast_client.messages import check
from holdfast_workflows.contracts.errors import MessageTooLarge


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("a" * 1_000_001, "1,000,001 bytes; at most 1,000,000"),
        ("€" * 333_334, "1,000,002 bytes; at most 1,000,000"),
        ("\x01" * 330_000, "330,000 bytes, which take 1,980,002 as JSON"),
        ("\ud800" * 260_000, "780,000 bytes, which take 1,560,002 as JSON"),
        ('"' * 999_999, "999,999 bytes, which take 2,000,000 as JSON"),
    ],
    ids=["ascii", "euro", "control", "surrogates", "quotes"],
)
def test_the_error_of_a_large_message_states_its_size(text: str, detail: str) -> None:
    with pytest.raises(MessageTooLarge, match=re.escape(detail)) as error:
        check(text)
    assert "over 1,000,000" not in str(error.value)


def test_the_largest_message_is_accepted() -> None:
    assert check("a" * 1_000_000) == 1_000_000
