"""Dialogues written for the benchmark of finding: two halves that share no scene."""

from .making import HALVES, Half, dialogues

__all__ = ["HALVES", "Half", "dialogues"]
