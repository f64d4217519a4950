"""What rides with the log, as rows; and the statements that both databases understand.

A settled effect is a fact, so its row moves on to the statuses of its undoing only,
and what is undone stays so. Whatever else a row says gives way to what comes later.
"""

from dataclasses import dataclass
from typing import Any

from holdfast_workflows.contracts.context import Manifest
from holdfast_workflows.contracts.effects import EffectView
from holdfast_workflows.contracts.text import clean, dump_json

from ..coordination.charging import check
from .extras import Charge, LogExtras
from .rows import identifier

UNDO = ("undoing", "undone", "undo_failed")
"""The statuses of an effect's undoing."""

FACTS = ("settled", *UNDO)
"""The statuses from which none but ``UNDO`` is reached."""

COLUMNS = tuple(EffectView.model_fields)
"""The columns of an effect besides its token."""

_MARKS = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
_CHANGES = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS if name != "key")

UPSERT_EFFECT = f"""INSERT INTO holdfast_effect ({", ".join(f'"{name}"' for name in COLUMNS)}, token)
    VALUES ({_MARKS}, '')
    ON CONFLICT (key) DO UPDATE SET {_CHANGES}
    WHERE holdfast_effect.status NOT IN {FACTS}
        OR (holdfast_effect.status <> 'undone' AND excluded.status IN {UNDO})"""  # noqa: S608 - constants
"""Write an effect over its row; marks as PostgreSQL has them."""

UPSERT_REPLY = """INSERT INTO holdfast_cachedreply (digest, body, at) VALUES ($1, $2, $3)
    ON CONFLICT (digest) DO UPDATE SET body = excluded.body, at = excluded.at"""
"""Keep a reply in the place of an older one; marks as PostgreSQL has them."""

UPSERT_MANIFEST = """INSERT INTO holdfast_manifest (session, seq, body, at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (session, seq) DO UPDATE SET body = excluded.body, at = excluded.at"""
"""Keep a manifest in the place of an earlier attempt's; marks as PostgreSQL has them."""


@dataclass(frozen=True, slots=True)
class ExtraRows:
    """Extras that are ready to be written: a charge of some accounts, effects by key, a reply, a manifest."""

    charge: Charge | None
    effects: list[tuple[Any, ...]]
    reply: tuple[str, str, float] | None
    manifest: tuple[str, int, str, float] | None


def effect_values(effect: EffectView) -> dict[str, Any]:
    """The values of an effect's columns.

    Raises:
        BadInput: The key or the session's id cannot be a key.
    """
    identifier(effect.key)
    identifier(effect.session)
    values = {name: getattr(effect, name) for name in COLUMNS}
    return {name: clean(value) if isinstance(value, str) else value for name, value in values.items()}


def prepare(extras: LogExtras) -> ExtraRows:
    """Extras as rows, or refused: on SQLite, what the database does not take would spoil its neighbours' transaction.

    Raises:
        BadInput: As ``charging.check`` and ``effect_values`` say, or a digest or a session's id cannot be a key.
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
    # What has its default is left out: most items are shown whole, and a prompt has one of these.
    body = dump_json(manifest.model_dump(exclude_defaults=True))
    return identifier(manifest.session), manifest.seq, body, manifest.at
