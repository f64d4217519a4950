"""Extras of a log write as rows, and the statements that both databases share.

A settled effect changes only to the statuses of its undoing, and an undone one not at all. Otherwise the
later write of a row wins.
"""

from dataclasses import dataclass
from typing import Any

from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.manifests import Manifest
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from ..coordination.charging import check
from .extras import Charge, LogExtras
from .rows import identifier

UNDO = ("undoing", "undone", "undo_failed")
"""The statuses of an effect's undoing."""

FACTS = ("settled", *UNDO)
"""Statuses that change only to those of ``UNDO``."""

COLUMNS = tuple(EffectView.model_fields)
"""The columns of an effect except its token."""

_MARKS = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
_CHANGES = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS if name != "key")

UPSERT_EFFECT = f"""INSERT INTO holdfast_effect ({", ".join(f'"{name}"' for name in COLUMNS)}, token)
    VALUES ({_MARKS}, '')
    ON CONFLICT (key) DO UPDATE SET {_CHANGES}
    WHERE holdfast_effect.status NOT IN {FACTS}
        OR (holdfast_effect.status <> 'undone' AND excluded.status IN {UNDO})"""  # noqa: S608 - constants
"""Write or replace an effect, with PostgreSQL's placeholders."""

UPSERT_REPLY = """INSERT INTO holdfast_cachedreply (digest, body, at) VALUES ($1, $2, $3)
    ON CONFLICT (digest) DO UPDATE SET body = excluded.body, at = excluded.at"""
"""Write or replace a cached reply, with PostgreSQL's placeholders."""

UPSERT_MANIFEST = """INSERT INTO holdfast_manifest (session, seq, body, at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (session, seq) DO UPDATE SET body = excluded.body, at = excluded.at"""
"""Write or replace a manifest, with PostgreSQL's placeholders."""


@dataclass(frozen=True, slots=True)
class ExtraRows:
    """Extras ready to be written; ``effects`` are sorted by key."""

    charge: Charge | None
    effects: list[tuple[Any, ...]]
    reply: tuple[str, str, float] | None
    manifest: tuple[str, int, str, float] | None


def effect_values(effect: EffectView) -> dict[str, Any]:
    """The values of an effect's columns; BadInput if its key or session cannot be a key."""
    identifier(effect.key)
    identifier(effect.session)
    values = {name: getattr(effect, name) for name in COLUMNS}
    return {name: clean(value) if isinstance(value, str) else value for name, value in values.items()}


def prepare(extras: LogExtras) -> ExtraRows:
    """Convert extras to rows.

    Validated here, because on SQLite a row that the database refuses would fail the other callers'
    transaction too.

    Raises:
        BadInput: An amount or time is out of range, or a name cannot be a key.
    """
    if extras.charge is not None:
        check(extras.charge)
    reply = extras.cached
    return ExtraRows(
        extras.charge if extras.charge is not None and extras.charge.accounts else None,
        sorted(tuple(effect_values(effect).values()) for effect in extras.effects),
        None if reply is None else (identifier(reply.digest), clean(reply.body), reply.at),
        None if extras.manifest is None else _manifest(extras.manifest),
    )


def _manifest(manifest: Manifest) -> tuple[str, int, str, float]:
    # Without defaults, which most items have: every prompt stores one of these.
    body = dump_json(manifest.model_dump(exclude_defaults=True))
    return identifier(manifest.session), manifest.seq, body, manifest.at
