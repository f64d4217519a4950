"""The module that public classes and functions report: the one that users import them from."""

from typing import TypeVar

T = TypeVar("T")


def public(thing: T, module: str = "holdfast") -> T:
    """Report ``module`` in reprs, tracebacks and pickles of a class or function that it exports.

    Annotations of dataclasses among them must not be strings: those are looked up in the reported module.
    """
    thing.__module__ = module
    return thing
