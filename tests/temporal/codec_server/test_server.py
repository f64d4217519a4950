import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payloads

from holdfast_temporal import data_converter
from holdfast_temporal.codec_server.access import Access, Rates, Tokens, hash_of
from holdfast_temporal.codec_server.server import MAX_BODY, CodecServer
from holdfast_temporal.encryption.codec import encrypted
from holdfast_temporal.encryption.keyring import Keyring
from holdfast_workflows.contracts.errors import PortTaken, SettingsInvalid
from tests.support import WAIT
from tests.temporal.encryption.keys import write_keys

CANARY = "canary-61503"
TOKEN = "a-token-of-more-than-32-characters-1234"
UI = "https://temporal.example"
GOOD: Mapping[str, str] = {"Authorization": f"Bearer {TOKEN}", "X-Namespace": "prod"}


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    write_keys(tmp_path / "keys", "k1")
    return Keyring(f"file:{tmp_path / 'keys'}")


def access(*, in_path: bool = False) -> Access:
    return Access({"ann": hash_of(TOKEN)}, frozenset({"prod"}), {UI}, in_path)


@asynccontextmanager
async def serving(
    keys: Keyring, allowed: Access | None = None, rates: Rates | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    server = CodecServer(keys, allowed or access(), rates)
    port = await server.listen("127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    server.close()


async def body(keys: Keyring, namespace: str = "prod") -> dict[str, Any]:
    payloads = await encrypted(data_converter, keys, namespace).encode([CANARY])
    found: dict[str, Any] = MessageToDict(Payloads(payloads=payloads))
    return found


async def test_a_caller_with_a_token_reads_payloads(keys: Keyring, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(keys) as http:
        with caplog.at_level(logging.INFO):
            answer = await http.post("/decode", json=await body(keys), headers=GOOD)
    assert answer.status_code == 200
    assert await data_converter.decode(ParseDict(answer.json(), Payloads()).payloads) == [CANARY]
    assert "codec decode: done by ann from 127.0.0.1 in namespace prod: 1 payloads, keys k1" in caplog.text
    assert CANARY not in caplog.text
    assert TOKEN not in caplog.text


async def test_what_is_encoded_is_encrypted_for_the_namespace(keys: Keyring) -> None:
    clear = MessageToDict(Payloads(payloads=await data_converter.encode([CANARY])))
    async with serving(keys) as http:
        answer = await http.post("/encode", json=clear, headers=GOOD)
    payloads = ParseDict(answer.json(), Payloads()).payloads
    assert await encrypted(data_converter, keys, "prod").decode(payloads) == [CANARY]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"Authorization": ""}, 401, "token"),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401, "token"),
        ({"Authorization": f"Basic {TOKEN}"}, 401, "token"),
        ({"X-Namespace": ""}, 403, "namespace"),
        ({"X-Namespace": "staging"}, 403, "namespace"),
        ({"Origin": "https://evil.example"}, 403, "origin"),
        ({"Origin": "null"}, 403, "origin"),
    ],
)
async def test_a_request_without_a_right_is_refused_and_logged(
    keys: Keyring, changed: dict[str, str], status: int, code: str
) -> None:
    async with serving(keys) as http:
        answer = await http.post("/decode", json=await body(keys), headers={**GOOD, **changed})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert CANARY not in answer.text
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_payload_of_another_namespace_is_not_decrypted(keys: Keyring) -> None:
    async with serving(keys) as http:
        answer = await http.post("/decode", json=await body(keys, "staging"), headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (400, "decryption_failed")


async def test_only_the_pages_of_the_ui_may_call(keys: Keyring) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-namespace"}
    async with serving(keys) as http:
        ui = await http.options("/decode", headers={"Origin": UI, **asked})
        other = await http.options("/decode", headers={"Origin": "https://evil.example", **asked})
    assert ui.status_code == 204
    assert ui.headers["Access-Control-Allow-Origin"] == UI
    assert "x-namespace" in ui.headers["Access-Control-Allow-Headers"]
    assert other.status_code == 403
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_a_caller_has_a_rate(keys: Keyring) -> None:
    async with serving(keys, rates=Rates(per_second=0.01, at_once=2)) as http:
        sent = [await http.post("/decode", json=await body(keys), headers=GOOD) for _ in range(3)]
        wrong = [await http.post("/decode", headers={**GOOD, "Authorization": "Bearer x"}) for _ in range(3)]
    assert [each.status_code for each in sent] == [200, 200, 429]
    assert sent[2].headers["Retry-After"] == "100"
    assert [each.status_code for each in wrong] == [401, 401, 429]


async def test_a_token_in_the_path_counts_only_where_it_is_allowed(keys: Keyring) -> None:
    namespace = {"X-Namespace": "prod"}
    async with serving(keys, access(in_path=True)) as http:
        assert (
            await http.post(f"/{TOKEN}/decode", json=await body(keys), headers=namespace)
        ).status_code == 200
        assert (await http.post("/wrong/decode", json=await body(keys), headers=namespace)).status_code == 401
    async with serving(keys) as http:
        assert (
            await http.post(f"/{TOKEN}/decode", json=await body(keys), headers=namespace)
        ).status_code == 401


@pytest.mark.parametrize(
    "content", ["", "[]", "null", '{"payloads": 1}', '{"payloads": [{"data": 1}]}', "[" * 9_999]
)
async def test_a_body_that_is_not_payloads_is_refused(keys: Keyring, content: str) -> None:
    async with serving(keys) as http:
        answer = await http.post("/decode", content=content, headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (400, "body")


async def test_a_body_over_the_limit_is_not_read(keys: Keyring) -> None:
    async with serving(keys) as http:
        reader, writer = await asyncio.open_connection("127.0.0.1", http.base_url.port)
        writer.write(f"POST /decode HTTP/1.1\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode())
        async with asyncio.timeout(WAIT):
            assert b" 413 " in await reader.readline()
        writer.close()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/decode"), ("POST", "/"), ("POST", "/keys"), ("PUT", "/decode")]
)
async def test_there_is_nothing_else(keys: Keyring, method: str, path: str) -> None:
    async with serving(keys) as http:
        assert (await http.request(method, path, headers=GOOD)).status_code == 404


async def test_a_taken_port_is_named(keys: Keyring) -> None:
    server = CodecServer(keys, access())
    port = await server.listen("127.0.0.1", 0)
    with pytest.raises(PortTaken, match=str(port)):
        await CodecServer(keys, access()).listen("127.0.0.1", port)
    server.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no token"),
        ("ann:short-secret", r"'ann' has 12 characters; use 32"),
        (f"ann {TOKEN}", "line 1 is not NAME:TOKEN"),
        (f"# staff\nann:{TOKEN}\nann:{TOKEN}2", "'ann' occurs twice"),
    ],
)
def test_tokens_of_a_wrong_form_are_refused_without_repeating_them(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(SettingsInvalid, match=message) as error:
        Tokens.read(f"file:{tmp_path}/tokens")
    assert TOKEN not in str(error.value)
    assert "short-secret" not in str(error.value)


def test_tokens_are_kept_as_hashes(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(f"ann:{TOKEN}\n")
    tokens = Tokens.read(f"file:{tmp_path}/tokens")
    assert tokens.by_name == {"ann": hash_of(TOKEN)}
    assert TOKEN not in repr(tokens)
