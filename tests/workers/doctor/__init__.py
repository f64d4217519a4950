"""Tests of ``holdfast doctor``: each check can be seen to fail."""
