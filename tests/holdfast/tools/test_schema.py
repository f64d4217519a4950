"""What a model sees of a function."""

from __future__ import annotations

import dataclasses
import enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from holdfast import InvalidDeclaration, ToolContext, tool


class Colour(enum.Enum):
    RED = "red"


class Address(BaseModel):
    street: str
    title: str = ""


@dataclasses.dataclass
class Point:
    x: float
    y: float


def test_signature_and_docstring_become_description_and_schema() -> None:
    @tool
    async def refund(
        order_id: str, cents: Annotated[int, Field(ge=1)], ctx: ToolContext, note: str = ""
    ) -> str:
        """Refund an order.

        Only orders that were paid.

        Args:
            order_id: The order, as printed
                on the invoice.
            cents: Amount in cents.

        Returns:
            The receipt.
        """
        return ""

    assert (
        refund.spec.description == "Refund an order.\n\nOnly orders that were paid.\n\nReturns: The receipt."
    )
    assert refund.spec.parameters == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "order_id": {"type": "string", "description": "The order, as printed\non the invoice."},
            "cents": {"type": "integer", "minimum": 1, "description": "Amount in cents."},
            "note": {"type": "string", "default": ""},
        },
        "required": ["order_id", "cents"],
    }


def test_a_function_without_arguments_has_an_empty_object() -> None:
    @tool
    def now() -> str:
        """The time."""
        return ""

    assert now.spec.parameters == {"type": "object", "additionalProperties": False, "properties": {}}


def test_types_of_every_kind_have_a_schema() -> None:
    @tool
    def kinds(
        a: list[Address],
        b: dict[str, int],
        c: Literal["x", "y"],
        d: Colour,
        e: Point | None = None,
        f: Any = None,
        g: tuple[int, str] = (1, "a"),
        h: object = Ellipsis,
    ) -> None:
        """All of them."""

    properties = kinds.spec.parameters["properties"]
    assert list(properties) == list("abcdefgh")
    assert "title" in kinds.spec.parameters["$defs"]["Address"]["properties"]
    assert "default" not in properties["h"]


@given(st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True).filter(lambda n: n.isidentifier()))
def test_a_parameter_may_have_any_name(name: str) -> None:
    import keyword

    if keyword.iskeyword(name):
        return
    space: dict[str, Any] = {}
    exec(f"def f({name}: int) -> int:\n  return {name}", space)
    made = tool(space["f"])
    assert list(made.spec.parameters["properties"]) == [name]
    assert made.validate(f'{{"{name}": 3}}') == {name: 3}


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("def f(*args: int): pass", "list or dict"),
        ("def f(**more: int): pass", "list or dict"),
        ("def f(a: int, /): pass", "remove the '/'"),
        ("def f(a): pass", "a: str"),
        ("def f(a: ToolContext, b: ToolContext): pass", "keep one"),
        ("def f(a: ToolContext, /): pass", "remove the '/'"),
        ("def f(a: 'Nowhere'): pass", "top level"),
        ("def f(a: socket): pass", "dataclass or TypedDict"),
        ("def f(a: Callable[[int], int]): pass", "dataclass or TypedDict"),
        ("def f(a: int = Field(1)): pass", "Annotated"),
        ("def f(a: int):\n  '''Do.\n\n  Args:\n    b: What?\n  '''", "correct its Args section"),
    ],
)
def test_what_a_model_could_not_call_is_refused_with_the_remedy(source: str, remedy: str) -> None:
    from collections.abc import Callable
    from socket import socket

    space: dict[str, Any] = {
        "ToolContext": ToolContext,
        "Field": Field,
        "Callable": Callable,
        "socket": socket,
    }
    exec(source, space)
    with pytest.raises(InvalidDeclaration) as refused:
        tool(space["f"])
    assert remedy in str(refused.value)
