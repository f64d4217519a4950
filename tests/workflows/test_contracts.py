"""Contracts outlive builds: what histories rely on is recorded, and a change to it is seen."""

from __future__ import annotations

import json

from .contract_fields import RECORDED, fields


def test_no_recorded_field_has_gone_or_changed_its_default() -> None:
    """Payloads leave defaults out, so another default would change what old histories say.

    New fields are recorded by ``python -m tests.workflows.contract_fields``.
    """
    now = fields()
    for name, recorded in json.loads(RECORDED.read_text()).items():
        for field, default in recorded.items():
            assert now[name].get(field, "gone") == default, f"{name}.{field}"


def test_every_field_is_recorded() -> None:
    recorded = json.loads(RECORDED.read_text())
    new = {name: set(has) - set(recorded.get(name, {})) for name, has in fields().items()}
    assert {name: more for name, more in new.items() if more} == {}
