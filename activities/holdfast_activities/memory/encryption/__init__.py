"""Memories under the deployment's keys."""
