"""State URLs."""

from pathlib import Path

import pytest

from holdfast_activities.state.setup.location import BUSY_SECONDS, PostgresLocation, SqliteLocation, locate
from holdfast_workflows.contracts.errors import BadInput


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_a_sqlite_url_names_a_file(scheme: str) -> None:
    assert locate(f"{scheme}:///a/b.db") == SqliteLocation(Path("a/b.db"), "FULL", BUSY_SECONDS)
    assert locate(f"{scheme}:////a/b.db?synchronous=normal&busy_seconds=2") == SqliteLocation(
        Path("/a/b.db"), "NORMAL", 2.0
    )


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
def test_a_postgresql_url_is_given_to_the_driver_with_its_password_and_options(scheme: str) -> None:
    url = "://me:p%40ss@db:5433/app?sslmode=require"
    assert locate(scheme + url) == PostgresLocation("postgresql" + url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://h/d",
        "postgresql+psycopg://h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x?synchronous=off",
        "sqlite:///x?synchronus=full",
        "sqlite:///x?busy_seconds=soon",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(BadInput):
        locate(url)


def test_a_refusal_does_not_show_the_password() -> None:
    with pytest.raises(BadInput) as refused:
        locate("mysql://me:geheim@h/d")
    assert "geheim" not in str(refused.value)
