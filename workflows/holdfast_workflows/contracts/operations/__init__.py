"""Requests and views for operators: breakers, effects, content, resets, app binding."""
