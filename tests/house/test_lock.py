"""What is installed is pinned, from the public index, and the lock agrees with pyproject.toml."""

import re
import tomllib

from .lengths import ROOT

LOCK = (ROOT / "uv.lock").read_text("utf-8")


def test_the_lock_names_the_public_index_and_its_files_and_no_mirror() -> None:
    """The public index is what uv writes without any configuration; a mirror would be one machine's."""
    indexes = set(re.findall(r'registry = "(https?://[^"]+)"', LOCK))
    hosts = set(re.findall(r"https?://([^/\"]+)", LOCK))
    assert {index.rpartition("/")[2] for index in indexes} == {"simple"}
    assert len(indexes) == 1
    assert len(hosts) == 2
    assert all(re.fullmatch(r"(files\.)?[a-z]+\.org", host) for host in hosts)


def test_the_lock_was_made_from_these_requirements() -> None:
    """Compared as text, since asking uv itself would need the network."""
    packages = tomllib.loads(LOCK)["package"]
    locked = next(package["metadata"] for package in packages if package["name"] == "holdfast")
    names = {item["name"] for item in (*locked["requires-dist"], *locked["requires-dev"]["dev"])}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for extra in project["project"]["optional-dependencies"].values():
        wanted.extend(extra)
    assert {re.split(r"[\[<>=;]", line)[0].strip() for line in wanted} == names | {"holdfast"}
