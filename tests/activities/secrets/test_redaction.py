"""Redaction: the shapes of secrets, known values in every form, and plain text that stays as it is."""

from __future__ import annotations

import base64
import json
import random
import string
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_workflows.contracts.text import redaction
from holdfast_workflows.contracts.text.redaction import redact, redact_error, redact_known, redact_value
from holdfast_workflows.contracts.text.secret_shapes import HEADERS, TEXTS, TOKENS

_DICE = random.Random(7)


def some(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """A key's random part, with a digit."""
    return "".join(_DICE.choices(alphabet, k=count - 1)) + "7"


HEX = "0123456789abcdef"
PEM = "-----BEGIN {0}PRIVATE KEY-----\n{1}\n{1}\n{2}==\n-----END {0}PRIVATE KEY-----"

# By kind; the parts of a prefix are joined here, so that no scanner takes the file for a leak.
SAMPLES = {
    "anthropic-key": ["sk-" + "ant-api03-" + some(93) + "AA"],
    "openai-key": ["sk-" + "proj-" + some(60), "sk-" + some(48), "sk-" + "or-v1-" + some(64, HEX)],
    "groq-key": ["gsk_" + some(52)],
    "xai-key": ["xai-" + some(80)],
    "perplexity-key": ["pplx-" + some(48)],
    "replicate-token": ["r8_" + some(37)],
    "huggingface-token": ["hf_" + some(34)],
    "aws-key": ["AKIA" + some(16, string.ascii_uppercase), "ASIA" + some(16, string.ascii_uppercase)],
    "aws-bedrock-key": ["ABSK" + some(120)],
    "google-key": ["AIza" + some(35)],
    "google-token": ["ya29." + some(60), "GOCSPX-" + some(28)],
    "azure-secret": ["abc8Q~" + some(32)],
    "azure-storage-key": ["AccountKey=" + some(86) + "=="],
    "digitalocean-token": ["dop_v1_" + some(64, HEX)],
    "alibaba-key": ["LTAI" + some(20)],
    "databricks-token": ["dapi" + some(32, HEX)],
    "vault-token": ["hvs." + some(90)],
    "pulumi-token": ["pul-" + some(40, HEX)],
    "doppler-token": ["dp.pt." + some(43)],
    "planetscale-token": ["pscale_tkn_" + some(43)],
    "github-token": ["ghp_" + some(36), "ghs_" + some(36), "github_pat_" + some(82)],
    "gitlab-token": ["glpat-" + some(20)],
    "npm-token": ["npm_" + some(36)],
    "pypi-token": ["pypi-" + "AgEIcHlwaS5vcmc" + some(80)],
    "atlassian-token": ["ATATT3" + some(186)],
    "linear-key": ["lin_api_" + some(40)],
    "notion-token": ["ntn_" + some(46)],
    "postman-key": ["PMAK-" + some(24, HEX) + "-" + some(34, HEX)],
    "grafana-token": ["glsa_" + some(32) + "_" + some(8, HEX)],
    "sentry-token": ["sntrys_" + some(100)],
    "newrelic-key": ["NRAK-" + some(27)],
    "age-key": ["AGE-SECRET-KEY-1" + some(58, string.ascii_uppercase)],
    "stripe-key": ["sk_" + "live_" + some(24), "rk_" + "test_" + some(99)],
    "webhook-secret": ["whsec_" + some(32)],
    "slack-token": ["xox" + "b-1234567890-" + some(24), "xapp-1-" + some(60)],
    "slack-webhook": ["https://hooks.slack.com/services/T0000/B0000/" + some(24)],
    "discord-webhook": ["https://discord.com/api/webhooks/123456789012345678/" + some(68)],
    "telegram-token": ["123456789:A" + some(34)],
    "twilio-key": ["SK" + some(32, HEX)],
    "sendgrid-key": ["SG." + some(22) + "." + some(43)],
    "shopify-token": ["shpat_" + some(32, HEX)],
    "square-token": ["sq0atp-" + some(22)],
    "jwt": ["eyJ" + some(30) + ".eyJ" + some(60) + "." + some(43), "eyJ" + some(30) + ".." + ".".join([some(16)] * 3)],
    "private-key": [
        PEM.format("RSA ", some(64), some(20)),
        json.dumps(PEM.format("", some(64), some(30))),
        PEM.format("OPENSSH ", some(70), some(30)).partition("-----END")[0],
    ],
    "url-credentials": ["postgresql://clerk:hunter2@db.internal/app", "https://x:" + some(20) + "@host"],
    "url-signature": ["https://a.blob.core.windows.net/c/b?sv=1&sig=" + some(43) + "%3D"],
    "bearer-token": ["Authorization: Bearer " + some(30)],
    "basic-auth": ["authorization: Basic " + base64.b64encode(b"clerk:hunter2").decode()],
    "password": [
        "password=hunter2&x=1", '{"client_secret": "Correct-Horse-9"}', "DB_PASSWORD=hunter2",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY9", "api_key: abc123def456",
        '{\\"access_token\\": \\"ab12cd34ef56\\"}',
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "sample"), [(kind, each) for kind, made in SAMPLES.items() for each in made]
)
def test_what_looks_like_a_secret_is_redacted(kind: str, sample: str) -> None:
    around = f"first {sample}; last, see https://example.com/a"
    shown = redact(around)
    assert f"[redacted:{kind}]" in shown, shown
    assert shown.startswith("first ")
    assert shown.endswith("last, see https://example.com/a")
    assert "hunter2" not in shown
    if kind == "private-key":
        assert len(shown) < 90
    assert redact(shown) == shown


def test_every_shape_has_a_sample() -> None:
    assert {shape.kind for group in (TOKENS, TEXTS, HEADERS) for shape in group} == set(SAMPLES)


@pytest.mark.parametrize("text", [
    "The task-oriented risk-based desk-side approach, sk-learn and hf_transfer are fine.",
    '{"next_page_token": "eyJpZCI6MTIzNDU2Nzg5MDEyMzQ1fQ==", "token": "page-2"}',
    "max_tokens: 4096, password reset, the secret of good bread, bearer of bad news, Basic education",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "id 123e4567-e89b-12d3-a456-426614174000 at https://example.com:8080/a?page=2#x mail ann@example.com",
    "-----BEGIN PUBLIC KEY----- and how a BEGIN PRIVATE KEY line looks",
    "data:image/png;base64," + base64.b64encode(bytes(range(200))).decode(),
    "agent api-3f2a9c11, session key-12345678-ab",
])  # fmt: skip
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


VALUE = 'c4n4ry-v@lue/of+the="tool" & é\\x'


@pytest.fixture
def known() -> Iterator[str]:
    redaction.learn(VALUE, "tool-key")
    yield VALUE
    redaction.forget(VALUE)


FORMS = {
    "as it is": VALUE,
    "JSON": json.dumps(VALUE),
    "JSON in JSON": json.dumps(json.dumps({"a": VALUE}, ensure_ascii=False), ensure_ascii=False),
    "repr": repr(VALUE),
    "URL": quote(VALUE, safe=""),
    "hex": VALUE.encode().hex(),
    "HTML": VALUE.replace("&", "&amp;"),
    **{f"base64 after {n}": base64.b64encode(b"x" * n + VALUE.encode() + b"yy").decode() for n in range(4)},
    **{
        f"URL-safe base64 {n}": base64.urlsafe_b64encode(b"x" * n + VALUE.encode()).decode() for n in range(3)
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_a_known_value_is_redacted_in_every_form(known: str, form: str) -> None:
    text = f"It is {FORMS[form]}, really."
    for redacted in (redact, redact_error, redact_known):
        assert "[redacted:tool-key]" in redacted(text)
    redaction.forget(known)
    assert redact_known(text) == text


def test_short_words_are_not_taken_for_secrets() -> None:
    for word in ("admin", "postgres", "x7"):
        redaction.learn(word)
        assert redact(f"the {word}ql server") == f"the {word}ql server"
    redaction.learn("hunter2")
    assert redact("with hunter2.") == "with [redacted:secret]."
    redaction.forget("hunter2")


def test_a_records_fields_are_redacted_at_every_depth(known: str) -> None:
    given = {"a": [{"b": (known,)}], known: 1, "n": None}
    assert redact_value(given) == {
        "a": [{"b": ["[redacted:tool-key]"]}],
        "[redacted:tool-key]": 1,
        "n": None,
    }
    fields = {"db_password": "hunter2", "Authorization": "x", "tokens": "12", "client_secret": {"a": "b"}}
    assert redact_value(fields) == {
        "db_password": "[redacted:password]",
        "Authorization": "[redacted:password]",
        "tokens": "12",
        "client_secret": {"a": "b"},
    }


@given(st.text())
def test_any_text_can_be_redacted_and_a_second_time_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize("text", [
    "eyJ" + "a" * 100_000, "eyJ" + "a.b." * 25_000, "://" * 30_000, "://a:" + "b" * 100_000, "sk-" * 30_000,
    "-----BEGIN PRIVATE KEY-----\n" * 4_000, "-----BEGIN PRIVATE KEY-----" + "\n\\n" * 40_000,
    "password=" * 12_000, "secret" * 16_000, "bearer " * 14_000, "a:A" * 30_000, "hvs." + "x" * 100_000,
])  # fmt: skip
def test_a_hostile_text_takes_no_longer_than_its_length_allows(text: str) -> None:
    began = time.process_time()
    redact_error(text)
    assert time.process_time() - began < 2.0


def test_a_growing_text_does_not_show_the_beginning_of_a_value(known: str) -> None:
    text = f"The key is {known}, and c4n4 is a word."
    shown = [redact_known(text[:length], grows=True) for length in range(len(text) + 1)]
    assert not any(known[:5] in each for each in shown)
    assert shown[-1] == "The key is [redacted:tool-key], and c4n4 is a word."
