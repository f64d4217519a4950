"""Unknown settings, provider fields and URL options are told with the nearest that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from holdfast_activities.memory.weaviate import parse
from holdfast_activities.models.config import ProviderConfig, read_providers
from holdfast_activities.state.setup.location import PostgresLocation, locate
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import BadInput, InvalidDeclaration, SettingsInvalid
from holdfast_workflows.contracts.variables import CLIENT, WORKER, unknown_variables

from .running import ROOT, started

_READ = re.compile(r"[\"'`]HOLDFAST_([A-Z0-9_]+)[\"'`]")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("HOLDFAST_STATE_DB_URL", "did you mean HOLDFAST_STATE_URL?"),
        ("HOLDFAST_TASKQUEUE", "did you mean HOLDFAST_TASK_QUEUE?"),
        ("HOLDFAST_TEMPORAL_ADRESS", "did you mean HOLDFAST_TEMPORAL_ADDRESS?"),
        ("HOLDFAST_PROVIDER", "did you mean HOLDFAST_PROVIDERS?"),
        ("HOLDFAST_HEALTHPORT", "did you mean HOLDFAST_HEALTH_PORT?"),
        ("HOLDFAST_NAME_SPACE", "did you mean HOLDFAST_NAMESPACE?"),
        ("HOLDFAST_XYZZY", "it changes nothing."),
    ],
)
def test_a_variable_that_nothing_reads_is_told_with_the_nearest(variable: str, meant: str) -> None:
    assert unknown_variables({variable: "x"}) == [f"No setting {variable}; {meant}"]


def test_known_variables_and_those_that_kubernetes_sets_are_not_told() -> None:
    known = {f"HOLDFAST_{name}": "x" for name in CLIENT | WORKER}
    of_a_service = {
        "HOLDFAST_SERVICE_HOST": "10.0.0.1",
        "HOLDFAST_SERVICE_PORT_GRPC": "7233",
        "HOLDFAST_PORT": "tcp://10.0.0.1:80",
        "HOLDFAST_PORT_80_TCP_ADDR": "10.0.0.1",
        "HOLDFAST_WORKER_SERVICE_HOST": "10.0.0.2",
    }
    assert unknown_variables({**known, **of_a_service, "PATH": "/bin"}) == []


def test_the_list_of_variables_is_what_the_settings_and_the_code_read() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    rooms = ("holdfast", "client", "temporal", "activities", "workers")
    read = {
        name
        for room in rooms
        for file in (ROOT / room).rglob("*.py")
        for name in _READ.findall(file.read_text())
    }
    assert settings - CLIENT == WORKER
    assert read <= CLIENT | WORKER
    assert settings | read >= CLIENT


async def test_a_worker_warns_of_a_mistyped_variable_when_it_starts(tmp_path: Path) -> None:
    async with started("worker", "tests.workers.sample:app", task_quee="x", home=str(tmp_path)) as worker:
        assert "did you mean HOLDFAST_TASK_QUEUE?" in await worker.said("No setting HOLDFAST_TASK_QUEE")


async def test_a_command_warns_of_a_mistyped_variable(tmp_path: Path) -> None:
    nowhere = {"temporal_address": "127.0.0.1:9", "home": str(tmp_path)}
    async with started("sessions", name_space="x", **nowhere) as command:
        said = await command.said("No setting HOLDFAST_NAME_SPACE")
        assert said == "holdfast: warning: No setting HOLDFAST_NAME_SPACE; did you mean HOLDFAST_NAMESPACE?"


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("base_ur", "base_url"),
        ("baseurl", "base_url"),
        ("keyfrom", "key_from"),
        ("request_per_minute", "requests_per_minute"),
        ("header", "headers"),
        ("struktured", "structured"),
    ],
)
def test_an_unknown_field_of_a_provider_is_refused_with_the_nearest(field: str, meant: str) -> None:
    expected = rf"HOLDFAST_PROVIDERS\.own\.{field}: No field '{field}'; did you mean '{meant}'\?"
    with pytest.raises(SettingsInvalid, match=expected):
        read_providers({"own": {"kind": "openai", field: "x"}})
    with pytest.raises(SettingsInvalid, match=expected):
        read_providers(f'{{"own": {{"kind": "openai", "{field}": "x"}}}}')


@pytest.mark.parametrize("place", ["evn:KEY", "KEY", "env:", "file"])
def test_a_place_of_a_providers_key_that_is_none_is_refused(place: str) -> None:
    with pytest.raises(SettingsInvalid, match="env:NAME or file:/path"):
        read_providers({"own": {"kind": "openai", "key_from": place}})
    with pytest.raises(InvalidDeclaration, match="env:NAME or file:/path"):
        ProviderConfig("openai", key_from=place)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///a.db?synchronus=normal", "No option 'synchronus'; did you mean 'synchronous'?"),
        ("sqlite:///a.db?busy=3", "No option 'busy'; did you mean 'busy_seconds'?"),
        ("sqlite:///a.db?mode=ro", "No option 'mode'; known are busy_seconds, synchronous."),
        ("postgresql://h/d?sslmod=require", "No option 'sslmod'; did you mean 'sslmode'?"),
        ("postgresql://h/d?ssl_mode=require", "No option 'ssl_mode'; did you mean 'sslmode'?"),
        ("postgresql://h/d?statment_timeout=5", "did you mean 'statement_timeout'?"),
        ("postgresql+asyncpg://h/d?aplication_name=x", "did you mean 'application_name'?"),
    ],
)
def test_an_unknown_option_of_a_state_url_is_refused_with_the_nearest(url: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        locate(url)
    assert said in str(refused.value)


def test_parameters_of_the_server_may_stand_in_a_postgresql_url() -> None:
    url = "postgresql://h/d?sslmode=require&application_name=x&gin_fuzzy_search_limit=5&plan_cache_mode=auto"
    assert isinstance(locate(url), PostgresLocation)


@pytest.mark.parametrize(
    ("option", "meant"), [("secur", "secure"), ("gprc", "grpc"), ("apikey_env", "api_key_env")]
)
def test_an_unknown_option_of_a_memory_url_is_refused_with_the_nearest(option: str, meant: str) -> None:
    with pytest.raises(BadInput, match=rf"No option '{option}'; did you mean '{meant}'\?"):
        parse(f"weaviate://h:8080?{option}=x", {})


def test_a_setting_that_is_given_by_a_wrong_name_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match=r"No setting 'task_que'; did you mean 'task_queue'\?"):
        Settings.load(task_que="x")
