"""What a memory URL says of a Weaviate server."""

from pathlib import Path

import pytest

from holdfast_activities.memory.weaviate import Location, parse
from holdfast_workflows.contracts.errors import BadInput


@pytest.mark.parametrize(
    ("url", "location"),
    [
        (
            "weaviate://localhost",
            Location(host="localhost", port=8080, grpc_host="localhost", grpc_port=50051),
        ),
        (
            "weaviate://memory.example:9000/Support?grpc=9001",
            Location(
                host="memory.example", port=9000, grpc_host="memory.example", grpc_port=9001, name="Support"
            ),
        ),
        (
            "weaviate://[::1]:9000?grpc=grpc.example:7",
            Location(host="::1", port=9000, grpc_host="grpc.example", grpc_port=7),
        ),
        (
            "weaviate://memory.example?secure=true",
            Location(
                host="memory.example", port=443, grpc_host="memory.example", grpc_port=50051, secure=True
            ),
        ),
        (
            "weaviate://abc.c0.europe-west3.gcp.weaviate.cloud",
            Location(
                host="abc.c0.europe-west3.gcp.weaviate.cloud",
                port=443,
                grpc_host="grpc-abc.c0.europe-west3.gcp.weaviate.cloud",
                grpc_port=443,
                secure=True,
            ),
        ),
        (
            "weaviate://abc.weaviate.network",
            Location(
                host="abc.weaviate.network",
                port=443,
                grpc_host="abc.grpc.weaviate.network",
                grpc_port=443,
                secure=True,
            ),
        ),
    ],
)
def test_a_url_is_parsed(url: str, location: Location) -> None:
    assert parse(url, {}) == location


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:///memory.db", "weaviate://host:port"),
        ("memory", "weaviate://host:port"),
        ("weaviate://", "no valid host"),
        ("weaviate://[::1", "not valid"),
        ("weaviate://host:port", "not a host and port"),
        ("weaviate://host:70000", "not a host and port"),
        ("weaviate://key@host", "WEAVIATE_API_KEY"),
        ("weaviate://host?grpc=host:x", "not a host and port"),
        ("weaviate://host:9000?grpc=9000", "same host and port"),
        ("weaviate://host?secure=maybe", "true or false"),
        ("weaviate://host?timeout=3", "No option 'timeout'"),
        ("weaviate://host/support", "capital letter"),
        ("weaviate://host/A/B", "capital letter"),
        ("weaviate://host?api_key_env=A&api_key_file=b", "both set"),
        ("weaviate://host?api_key_env=NOT_SET", "NOT_SET has no API key"),
        ("weaviate://host?api_key_file=/not/there", "cannot be read"),
    ],
)
def test_an_invalid_url_is_refused_with_a_reason(url: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        parse(url, {})


def test_the_api_key_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    environ = {"WEAVIATE_API_KEY": "usual", "OTHER": "other"}
    assert parse("weaviate://localhost", environ).api_key == "usual"
    assert parse("weaviate://localhost?api_key_env=OTHER", environ).api_key == "other"
    assert parse(f"weaviate://localhost?api_key_file={file}", environ).api_key == "from-file"


def test_an_api_key_is_sent_unencrypted_only_if_secure_is_false() -> None:
    environ = {"WEAVIATE_API_KEY": "usual"}
    with pytest.raises(BadInput, match="secure=true"):
        parse("weaviate://memory.example", environ)
    assert parse("weaviate://memory.example?secure=true", environ).secure
    assert not parse("weaviate://memory.example?secure=false", environ).secure


def test_a_location_does_not_show_its_key() -> None:
    assert "usual" not in repr(parse("weaviate://localhost", {"WEAVIATE_API_KEY": "usual"}))
