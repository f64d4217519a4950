"""Key files for tests."""

from pathlib import Path

from holdfast_temporal.encryption import key_file
from holdfast_temporal.encryption.key_file import Key


def write_keys(path: Path, *ids: str, keep: dict[str, Key] | None = None) -> dict[str, Key]:
    """Write a key file with new keys of these ids, the primary first; those in ``keep`` stay as they are."""
    keys = {id: (keep or {}).get(id) or Key(id, key_file.new_key().secret) for id in ids}
    key_file.write(path, list(keys.values()))
    return keys
