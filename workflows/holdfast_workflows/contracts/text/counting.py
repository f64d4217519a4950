"""Numbers with their nouns."""


def count(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 memory``, ``2,000 memories``."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"
