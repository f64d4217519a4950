"""Two versions of an app, ``v1:app`` and ``v2:app``: sessions that began with the first continue with the second."""
