from __future__ import annotations

from pathlib import Path

import pytest

from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import SecretMissing, SettingsInvalid


def test_without_any_variable_everything_is_embedded() -> None:
    settings = Settings.load(home=Path("/srv/app"))
    assert settings.for_app("").task_queue == "holdfast"
    assert settings.state() == "sqlite:////srv/app/state.db"
    assert settings.connection().address == ""
    assert settings.connection().api_key is None
    assert set(settings.model_providers()) == {"openai", "anthropic"}


def test_a_given_value_comes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_TASK_QUEUE", "from-environment")
    monkeypatch.setenv("HOLDFAST_HEALTH_PORT", "")
    assert Settings.load(task_queue=None).task_queue == "from-environment"
    assert Settings.load(task_queue="given").task_queue == "given"
    assert Settings.load().health_port is None


def test_secrets_come_from_files_and_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://user:s3cret@host/db\n")
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.setenv("HOLDFAST_STATE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("HOLDFAST_API_KEY_FILE", str(tmp_path / "key"))
    settings = Settings.load()
    assert settings.state() == "postgresql://user:s3cret@host/db"
    assert settings.connection().api_key == "s3cret"
    monkeypatch.setenv("HOLDFAST_API_KEY", "s3cret")
    monkeypatch.setenv("HOLDFAST_STATE_URL", "postgresql://user:s3cret@host/db")
    assert "s3cret" not in repr(Settings.load())


def test_a_database_url_may_refer_to_its_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    monkeypatch.setenv("HOLDFAST_STATE_URL", f"postgresql://user:${{file:{tmp_path / 'password'}}}@host/db")
    monkeypatch.setenv("HOLDFAST_MEMORY_URL", "env:MEMORIES")
    settings = Settings.load()
    assert settings.state() == "postgresql://user:s3cret@host/db"
    with pytest.raises(SecretMissing, match="MEMORIES"):
        settings.memory()


def test_prices_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().own_prices() == {}
    monkeypatch.setenv("HOLDFAST_PRICES", '{"local:m": {"input": 1, "output": 2}}')
    assert Settings.load().own_prices()["local:m"].output == 2
    monkeypatch.setenv("HOLDFAST_PRICES", "nonsense")
    with pytest.raises(SettingsInvalid, match="HOLDFAST_PRICES"):
        Settings.load().own_prices()


def test_providers_are_added_beside_the_usual_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv(
        "HOLDFAST_PROVIDERS", '{"local": {"kind": "openai", "base_url": "http://127.0.0.1:8000/v1"}}'
    )
    providers = Settings.load().model_providers()
    assert providers["local"].url == "http://127.0.0.1:8000/v1"
    assert providers["openai"].url == "http://127.0.0.1:1/v1"
    assert "anthropic" in providers


def test_a_provider_may_be_limited_per_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "HOLDFAST_PROVIDERS",
        '{"local": {"kind": "openai", "requests_per_minute": 60, "tokens_per_minute": 9000}}',
    )
    assert Settings.load().model_providers()["local"].rate == Rate(60, 9_000)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "HOLDFAST_PROVIDERS",
            '{"local": {"kind": "openai", "requests_per_minute": 0}}',
            r"HOLDFAST_PROVIDERS\.local\.requests_per_minute",
        ),
        ("HOLDFAST_HEALTH_PORT", "99999", "HOLDFAST_HEALTH_PORT"),
        ("HOLDFAST_GRACEFUL_SECONDS", "soon", "HOLDFAST_GRACEFUL_SECONDS"),
        ("HOLDFAST_GRACEFUL_SECONDS", "inf", "HOLDFAST_GRACEFUL_SECONDS"),
        ("HOLDFAST_LOG_DAYS", "nan", "HOLDFAST_LOG_DAYS"),
        ("HOLDFAST_LOG_LEVEL", "LOUD", "HOLDFAST_LOG_LEVEL"),
        ("HOLDFAST_PROVIDERS", "{not json", "HOLDFAST_PROVIDERS"),
        ("HOLDFAST_PROVIDERS", '{"local": {"kind": "cobol"}}', r"HOLDFAST_PROVIDERS\.local\.kind"),
        ("HOLDFAST_TLS_CA", "/nowhere.pem", "HOLDFAST_TLS_CA"),
        ("HOLDFAST_STATE_URL_FILE", "/nowhere", "HOLDFAST_STATE_URL_FILE"),
    ],
)
def test_a_bad_value_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=says):
        _use(Settings.load())


def _use(settings: Settings) -> None:
    settings.connection()
    settings.model_providers()
    settings.state()


def test_a_state_url_with_file_names_a_folder_or_a_file_with_the_url(tmp_path: Path) -> None:
    (secret := tmp_path / "state-url").write_text("postgresql://host/db\n")
    assert Settings.load(state_url=f"file:{secret}").state() == "postgresql://host/db"
    assert Settings.load(state_url=f"file:{tmp_path}/state?keep=5").state() == f"file:{tmp_path}/state?keep=5"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:////srv/state.db", "/srv/app/audit-heads"),
        ("file:/srv/state", "/srv/app/audit-heads"),
        ("postgresql://host/db", ""),
    ],
)
def test_heads_of_the_audit_log_are_exported_where_the_database_is_of_this_machine(
    url: str, place: str
) -> None:
    assert Settings.load(home=Path("/srv/app"), state_url=url).audit_place() == place
