"""The table in docs/errors.md, written from the error classes; ``make format`` brings it up to date."""

from collections.abc import Iterator
from pathlib import Path

from holdfast_workflows.contracts.errors import HoldfastError
from tests.house.lengths import ROOT

PAGE = ROOT / "docs/errors.md"
HEAD = "| code | error | kind | retryable | another provider | what it says |\n|---|---|---|---|---|---|\n"


def table() -> str:
    """Every error as a row, parents before children, the parents' names in front."""
    return HEAD + "".join(_rows(HoldfastError, ()))


def _rows(cls: type[HoldfastError], parents: tuple[str, ...]) -> Iterator[str]:
    path = (*parents, cls.__name__)
    text = " ".join((cls.__doc__ or "").split())
    name = " › ".join(path[1:]) or path[0]
    again, other = ("yes" if answer else "no" for answer in (cls.retryable, cls.fallback))
    yield f"| `{cls.code}` | {name} | {cls.kind} | {again} | {other} | {text} |\n"
    for child in cls.__subclasses__():
        if child.__module__ == "holdfast":
            yield from _rows(child, path)


def rewrite(page: Path = PAGE) -> None:
    """Replace the page's table by the current one; it ends at the first empty line."""
    before, _, rest = page.read_text("utf-8").partition(HEAD)
    after = rest.partition("\n\n")[2]
    page.write_text(f"{before}{table()}\n{after}", "utf-8")


if __name__ == "__main__":
    rewrite()
