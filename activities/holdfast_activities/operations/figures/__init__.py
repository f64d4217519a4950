"""Figures of the deployment, for the probe and the monitor."""

from .reading import Sources, read_figures

__all__ = ["Sources", "read_figures"]
