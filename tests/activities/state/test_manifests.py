"""Manifests of prompts and ratios of token estimates, on both databases."""

from holdfast_activities.state import State
from holdfast_activities.state.log.extras import LogExtras
from holdfast_workflows.contracts.session.entries import UserEntry
from holdfast_workflows.contracts.session.manifests import Manifest, ManifestItem


def manifest(session: str, seq: int, model: str = "openai:m") -> Manifest:
    return Manifest(
        session=session, seq=seq, turn=1, step=seq, model=model, context_window=8_000, reserve=1_600, budget=6_400,
        estimated=900, reported=950, ratio=1.05, strategies=("window",), at=float(seq),
        items=(
            ManifestItem(part="instructions", shown="whole", tokens=100),
            ManifestItem(part="conversation", shown="left_out", saved=10_000, start=1, stop=40, count=39, why="old"),
        ),
    )  # fmt: skip


async def test_a_manifest_is_written_with_the_reply(state: State, session: str) -> None:
    made = [manifest(session, seq) for seq in (2, 5, 9)]
    for each in made:
        entry = UserEntry(seq=each.seq, text="hello")
        await state.log.settle_with(session, [entry], LogExtras(manifest=each))
    manifests = state.manifests
    assert await manifests.list(session) == made
    assert await manifests.list(session, after=2) == made[1:]
    assert await manifests.list(session, seq=5) == [made[1]]
    assert await manifests.list(session, limit=2) == made[:2]
    assert await manifests.list(f"{session}-other") == []


async def test_a_later_attempts_manifest_replaces_the_first(state: State, session: str) -> None:
    for model in ("openai:first", "openai:second"):
        await state.log.settle_with(session, [], LogExtras(manifest=manifest(session, 3, model)))
    assert await state.manifests.list(session) == [manifest(session, 3, "openai:second")]


async def test_ratios_are_kept_by_model(state: State, session: str) -> None:
    ratios = state.calibration
    await ratios.save(f"{session}:a", 1.25)
    await ratios.save(f"{session}:b", 0.9)
    await ratios.save(f"{session}:a", 1.5)
    found = {model: ratio for model, ratio in (await ratios.load()).items() if model.startswith(session)}
    assert found == {f"{session}:a": 1.5, f"{session}:b": 0.9}
