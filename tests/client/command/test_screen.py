"""Streams on a terminal."""

from __future__ import annotations

import pytest

from holdfast_client.command.common import printing
from holdfast_client.command.common.screen import Screen
from holdfast_client.stream.events import ModelChanged, TextDelta


def test_a_terminal_shows_which_model_answers_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(printing.out())
    screen.show(TextDelta(turn=1, step=1, text="Wait :a: moment."))
    screen.show(
        ModelChanged(
            turn=1, step=2, model="anthropic:b", reason="openai:a: model_rejected, answered 401: [revoked]"
        )
    )
    assert capsys.readouterr().out.splitlines() == [
        "Wait :a: moment.",
        "anthropic:b answers: openai:a: model_rejected, answered 401: [revoked]",
    ]
