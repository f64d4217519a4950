"""Lists of sessions on a terminal."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from holdfast_client.command.common.printing import since
from holdfast_client.command.sessions.lists import sessions_list
from holdfast_client.operations.listing import SessionInfo


def _info(**changes: Any) -> SessionInfo:
    now = datetime.now().astimezone()
    info = SessionInfo(
        "support-47gcobejeof22urownfm", "support", "acme", "needs_person", 12, 0.0437, now, now
    )
    given = {"app": "shop", "message": "I want a refund for order 4711, please."} | changes
    return dataclasses.replace(info, **given)


def test_a_list_of_sessions_prints_markup_unchanged() -> None:
    printed = sessions_list([_info(tenant="[red]acme", user="[42]")], 200).plain
    assert "[red]acme" in printed
    assert "[42]" in printed


@pytest.mark.parametrize(("width", "lines_each"), [(80, 2), (120, 2), (200, 1)])
def test_a_list_of_sessions_fits_the_width(width: int, lines_each: int) -> None:
    old = datetime.now().astimezone() - timedelta(days=40)
    found = [_info(), _info(tenant="", started=old), _info(user="ann", message="word " * 60)]
    printed = sessions_list(found, width).plain.splitlines()
    assert len(printed) == 1 + lines_each * len(found)
    assert max(map(len, printed)) <= width
    assert [line.startswith("support-47gcobejeof22urownfm  needs_person") for line in printed].count(
        True
    ) == 3
    assert f"{old:%Y-%m-%d %H:%M}" in printed[1 + lines_each]
    for expected in ("shop", "acme", "I want a ref", "…", "0 s ago"):
        assert expected in "\n".join(printed)


def test_a_list_of_sessions_without_owners_has_one_line_each_at_120_columns() -> None:
    printed = sessions_list([_info(tenant="")], 120).plain.splitlines()
    assert len(printed) == 2
    assert printed[0].split() == ["session", "status", "turns", "cost", "started", "agent", "app", "message"]
    assert "I want a refund" in printed[1]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(5, "5 s ago"), (3_599, "59 min ago"), (2 * 3_600, "2 h ago"), (86_400, "2026-01-30 20:00")],
)
def test_a_time_is_relative_on_the_same_day(seconds: int, shown: str) -> None:
    now = datetime(2026, 1, 31, 20).astimezone()
    assert since(now - timedelta(seconds=seconds), now) == shown
