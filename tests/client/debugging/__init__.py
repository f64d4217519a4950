"""Tests of traces and bundles."""
