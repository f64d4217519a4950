"""An approval is valid for one call, with these arguments, by these people, in time; everything else is refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest

from holdfast_activities.inbox import verification
from holdfast_activities.inbox.canonical import canonical, digest
from holdfast_activities.inbox.verification import CHECKS, SKEW, Case, problem
from holdfast_activities.signing.keys import SigningKeys
from holdfast_workflows.contracts.control.approvals import ApprovedCall
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid

from .approved import ANN, ARGUMENTS, BOB, NOW, ApprovedCalls

MUTATIONS = 10_000


@pytest.fixture(scope="module")
def calls() -> ApprovedCalls:
    return ApprovedCalls()


def test_a_valid_approval_is_accepted(calls: ApprovedCalls) -> None:
    assert problem(calls.case()) == ""


def test_a_delegation_and_an_escalation_are_accepted(calls: ApprovedCalls) -> None:
    dora = Principal(id="dora")
    passed_on = calls.answer(ANN, action="delegate", to=("dora",))
    answers = (passed_on, calls.answer(dora, owners=("dora", "bob")), calls.answer(BOB))
    assert problem(calls.case(None, *answers)) == ""


def _broken(calls: ApprovedCalls) -> dict[str, Case]:
    """For each check, a case that breaks only it, properly signed where that is possible."""
    other, forged = SigningKeys.new(), ApprovedCalls()
    forged.keys = other
    dora = Principal(id="dora")
    elsewhere = ANN.model_copy(update={"tenant": "other"})
    return {
        "_genuine": calls.case(None, forged.answer(ANN), forged.answer(BOB)),
        "_same_call": calls.case(key="s-1-8"),
        "_same_arguments": calls.case(digest=digest(canonical('{"order": "o-7", "cents": 1000}'))),
        "_answers_this": calls.case(None, calls.answer(ANN, nonce="other"), calls.answer(BOB)),
        "_owners_asked": calls.case(None, calls.answer(ANN), calls.answer(dora, owners=("dora",))),
        "_eligible": calls.case(None, calls.answer(ANN), calls.answer(dora)),
        "_tenant": calls.case(None, calls.answer(elsewhere), calls.answer(BOB)),
        "_second_person": calls.case(calls.approval(requester="ann")),
        "_quorum": calls.case(None, calls.answer(ANN), calls.answer(ANN)),
        "_in_time": calls.case(None, calls.answer(ANN, deadline=NOW - 600), calls.answer(BOB)),
        "_fresh": calls.case(now=NOW + 3_600),
    }


def test_who_steered_the_turn_may_not_approve_its_call(calls: ApprovedCalls) -> None:
    assert problem(calls.case(calls.approval(steered_by=("dora",)))) == ""
    assert problem(calls.case(calls.approval(steered_by=("bob",)))) == "the requester may not approve it"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.strip("_"))
def test_each_check_alone_stops_what_it_is_for(calls: ApprovedCalls, check: Callable[[Case], str]) -> None:
    case = _broken(calls)[check.__name__]
    assert problem(case) == check(case) != ""
    assert problem(case, [each for each in CHECKS if each is not check]) == ""


@pytest.mark.parametrize(
    "changes",
    [{"session": "s-2"}, {"tenant": "other"}, {"agent": "other"}, {"tool": "look"}, {"key": "s-1-6"}],
    ids=str,
)
def test_an_approval_is_for_one_call_only(calls: ApprovedCalls, changes: dict[str, Any]) -> None:
    assert problem(calls.case(**changes)) == "it is for another call"


def test_a_call_that_has_begun_is_made_again_after_the_time(calls: ApprovedCalls) -> None:
    assert problem(calls.case(now=NOW + 90_000)) == "it has expired"
    assert problem(calls.case(now=NOW + 90_000, used=True)) == ""
    assert problem(calls.case(now=NOW - 60 - 2 * SKEW)) == "an answer is from the future"


def test_keys_are_replaced_without_losing_approvals(calls: ApprovedCalls) -> None:
    case = calls.case()
    rotated = SigningKeys.read(SigningKeys.new().text + calls.keys.public_text)
    assert problem(Case(case.proof, case.call, rotated, NOW)) == ""
    assert problem(Case(case.proof, case.call, SigningKeys.new(), NOW)) == "a signature is not valid"


# Mutations.


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value within a JSON value."""
    inner: Iterable[tuple[Any, Any]] = ()
    whole: Any = value  # not narrowed to a list of unknown types
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", value).items()
    elif isinstance(value, list):
        inner = enumerate(list[Any](whole))
    return [place for name, each in inner for place in _places(each, (*path, name))] + [path]


def _mutated(value: Any, rng: random.Random, others: list[Any]) -> Any:
    """Another value of the same kind."""
    whole: Any = value  # not narrowed to a list of unknown types
    match value:
        case bool():
            return not value
        case int() | float():
            return rng.choice([0, -value, value + 1, value * 10, value + 1e6, 1e12, rng.random() * 1e10])
        case str():
            cut = rng.randrange(len(value) + 1)
            return rng.choice([
                "", value + "x", value[:cut], value[:cut] + rng.choice("ab/=+\x00é") + value[cut + 1 :],
                value.swapcase(), value[::-1], *(each for each in others if isinstance(each, str)),
            ])  # fmt: skip
        case list():
            return rng.choice([[], whole[:-1], whole[::-1], [*whole, *whole[:1]], [*whole, "role:user"]])
        case dict():
            fields = cast("dict[str, Any]", value)
            return {name: each for name, each in fields.items() if rng.random() < 0.7}
        case _:
            return "x"


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = _replaced(value[path[0]], path[1:], new)
    return changed


def test_no_mutated_approval_is_accepted(calls: ApprovedCalls) -> None:
    """Argument, digest, signer, nonce, time, session, tool, quorum, approver: of the proof and of the call."""
    rng = random.Random(8_785)
    case = calls.case()
    whole = {
        "proof": case.proof.model_dump(mode="json"),
        "call": {name: getattr(case.call, name) for name in case.call.__dataclass_fields__},
    }
    whole["proof"].pop("arguments")  # bound by the digest of what will run, and changed below
    places = [place for place in _places(whole) if place not in ((), ("proof",), ("call",))]
    texts = [each for each in (_at(whole, place) for place in places) if isinstance(each, str)]
    accepted: list[tuple[Any, Any]] = []
    tried = 0
    while tried < MUTATIONS:
        place = rng.choice(places)
        changed = _replaced(whole, place, _mutated(_at(whole, place), rng, texts))
        try:
            proof = ApprovedCall.model_validate(changed["proof"])
            mutant = Case(proof, verification.RunningCall(**changed["call"]), calls.keys, NOW)
        except (ValueError, TypeError):
            continue  # not even an approval
        if mutant.proof == case.proof and mutant.call == case.call:
            continue  # the change made no difference
        if _only_repeats(mutant, case):
            continue  # the same people have said the same again, or in another order
        tried += 1
        if not problem(mutant):
            accepted.append((place, _at(changed, place)))
    assert accepted == []


def test_no_changed_argument_is_accepted(calls: ApprovedCalls) -> None:
    changed = [
        '{"order": "o-7", "cents": 1000, "note": ["für", 1.5, true, null]}',
        '{"order": "o-7", "cents": "100", "note": ["für", 1.5, true, null]}',
        '{"order": "o-7 ", "cents": 100, "note": ["für", 1.5, true, null]}',
        '{"order": "o-7", "cents": 100, "note": ["fu\\u0308r", 1.5, true, null]}',
        '{"order": "o-7", "cents": 100, "note": ["für", true, 1.5, null]}',
        '{"order": "o-7", "cents": 100, "note": ["für", 1.5, true]}',
        '{"order": "o-7", "cents": 100, "note": ["für", 1.5, true, null], "to": "me"}',
        '{"order": "o-7", "cents": 1, "cents": 1000, "note": ["für", 1.5, true, null]}',
    ]
    for arguments in changed:
        assert problem(calls.case(digest=digest(canonical(arguments)))) == "it is for other arguments"


def test_the_same_arguments_written_otherwise_are_the_same() -> None:
    same = [
        '{"note":["f\\u00fcr",1.50,true,null],"cents":1e2,"order":"o-7"}',
        '"{\\"order\\": \\"o-7\\", \\"cents\\": 100.0, \\"note\\": [\\"für\\", 1.5, true, null]}"',
    ]
    assert {canonical(each) for each in same} == {canonical(ARGUMENTS)}
    assert canonical("") == canonical("{}") == "{}"


@pytest.mark.parametrize(
    "arguments",
    ['{"n": 12345678901234567890}', '{"n": 0.1000000000000000055511}', '{"n": NaN}', "[", '"\\ud800"'],
)
def test_arguments_without_a_canonical_form_cannot_be_approved(arguments: str) -> None:
    with pytest.raises(ToolArgumentsInvalid):
        canonical(arguments)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def _only_repeats(mutant: Case, case: Case) -> bool:
    same = mutant.call == case.call and mutant.proof.approval == case.proof.approval
    return same and set(mutant.proof.answers) == set(case.proof.answers)
