from .fuzz import run


def test_a_mutated_stream_ends_as_a_reply_or_a_typed_error() -> None:
    """A sample; ``python -m tests.activities.models.fuzz`` reads 100,000."""
    told: list[str] = []
    assert run(1_000, seed=7, report=told.append) == 0, told
    # Enough of them are read to the end for the readers to be tried, and not only what is before them.
    replies = sum(int(line.split()[0].replace(",", "")) for line in told if line.endswith(" reply"))
    assert replies > 200
