"""Errors of providers: read from bodies, classified by their words, with waits."""
