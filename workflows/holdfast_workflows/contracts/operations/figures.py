"""Figures of a whole deployment, as the probe exports them and the monitor reads them."""

from ..base import Contract


class Figure(Contract):
    """A value of one metric of the table, with its labels."""

    name: str
    value: float
    labels: dict[str, str] = {}
