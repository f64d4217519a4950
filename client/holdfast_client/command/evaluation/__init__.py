"""``fork`` and ``case``: trying a step of a session again, and saving sessions as cases."""
