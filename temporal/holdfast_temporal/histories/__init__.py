"""Histories of workflows: fetching every run, reading them without their encryption, redacting them.

fetching    the runs of a workflow
clearing    payloads and failures without encryption
redacting   payloads and failures without secrets
messages    every message within a protobuf message
"""
