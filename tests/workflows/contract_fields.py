"""The fields and defaults of every contract, as histories rely on them: ``python -m tests.workflows.contract_fields``."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined, to_jsonable_python

from holdfast_workflows import contracts
from holdfast_workflows.contracts.base import Contract

RECORDED = Path(__file__).with_name("contract_fields.json")


def fields() -> dict[str, dict[str, Any]]:
    """Each contract's fields with their defaults; ``required`` where there is none."""
    found: dict[str, dict[str, Any]] = {}
    for module in pkgutil.walk_packages(contracts.__path__, f"{contracts.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Contract) and value is not Contract:
                found[value.__name__] = {name: _default(field) for name, field in value.model_fields.items()}
    return dict(sorted(found.items()))


def _default(field: Any) -> Any:
    default = field.get_default(call_default_factory=True)
    return "required" if default is PydanticUndefined else to_jsonable_python(default)


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(fields(), indent=1) + "\n")
