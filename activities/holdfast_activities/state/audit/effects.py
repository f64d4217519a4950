"""The audit record of an effect whose outcome the ledger has written."""

from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.operations.effects import EffectView


def effect_record(effect: EffectView, at: float) -> AuditRecord | None:
    """The record; None for a claim, which has no outcome yet.

    Its id is the same for each attempt to write one outcome. A call may be of unknown outcome more than once: it
    is claimed again for each retry.
    """
    if effect.status == "claimed":
        return None
    again = f":{effect.claimed!r}" if effect.status == "unknown" else ""
    return AuditRecord(
        id=f"effect:{effect.key}:{effect.seq}:{effect.status}{again}",
        kind="effect",
        action=effect.status,
        tenant=effect.tenant,
        session=effect.session,
        subject=effect.key,
        details={
            "tool": effect.tool,
            "effect": effect.effect,
            "agent": effect.agent,
            "turn": str(effect.turn),
            **({"by": effect.by} if effect.by else {}),
        },
        at=at,
    )
