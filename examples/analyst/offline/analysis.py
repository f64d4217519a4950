"""The offline analyst's course: look, plan, query, check, draw, write, answer."""

from __future__ import annotations

import re
from collections.abc import Generator

from . import moves, shapes
from .choose import choose, is_question_word
from .columns import Table
from .findings import WHO, Findings
from .program import Answer, Ask, Program, ask
from .queries import Queries, named_values
from .words import Cell, figure, identifier, label, literal

_MAX_NAMED = 8
_MAX_TEXTS = 6


def analyse(question: str) -> Program:
    """Answer one question; the value returned is the final reply."""
    (profile,) = yield from ask(
        f"I am {WHO}. I take the question word by word, so it helps if it names columns of the file. "
        "First I look at what the file holds.",
        ("profile_data", {}),
    )
    if not profile.data:
        return f"The file cannot be analysed: {label(profile.text)} (I am {WHO}.)"
    table = Table.read(profile.data)
    named = (yield from _named(question, table)) if table.rows else {}
    choice = choose(question, table, named)
    found = Findings(question, table, Queries(choice, _where(named)))
    yield from _plan(found, named)
    if table.rows:
        yield from _overall(found)
        yield from shapes.run(found)
    else:
        found.headline = f"The file {label(table.file)} has no rows, so the question has no answer in it."
        found.facts.append(f"The file has {len(table.columns)} columns and no rows.")
    return (yield from _write(found))


def _named(question: str, table: Table) -> Generator[Ask, list[Answer], dict[str, list[Cell]]]:
    """Values of the file that the question names, by column."""
    columns = [c for c in table.texts if c.distinct > 1][:_MAX_TEXTS]
    if not columns:
        return {}
    (answer,) = yield from ask(
        f"The file has {figure(table.rows)} rows and {len(table.columns)} columns. "
        "Next I see whether the question names anything that stands in the rows.",
        ("run_sql", {"query": named_values(question, columns)}),
    )
    named: dict[str, list[Cell]] = {}
    asked = question.lower()
    for place, value in answer.rows:
        words = str(value).lower()
        if re.search(rf"(?<!\w){re.escape(words)}(?!\w)", asked) and not is_question_word(words, table):
            named.setdefault(columns[int(str(place))].name, []).append(value)
    return {name: values[:_MAX_NAMED] for name, values in named.items()}


def _where(named: dict[str, list[Cell]]) -> tuple[str, ...]:
    return tuple(
        f"{identifier(name)} IN ({', '.join(literal(value) for value in values)})"
        for name, values in named.items()
    )


def _plan(found: Findings, named: dict[str, list[Cell]]) -> Generator[Ask, list[Answer], None]:
    choice = found.queries.choice
    measure = moves.measured(found)
    steps = [f"Take {measure} as the figure asked for."]
    if named:
        values = ", ".join(label(value) for values in named.values() for value in values)
        steps.append(f"Keep only the rows of {values}"[:190] + ".")
        found.caveats.append(f"Only rows of {values} were counted, since the question names them.")
    if choice.dimension:
        steps.append(f"Compare it between the values of {label(choice.dimension.name)}.")
    if choice.time:
        steps.append(f"Follow it over {label(choice.time.name)}, by {choice.period or 'its values'}.")
    steps += [
        "Compute the figures of the answer a second time in another way.",
        "Draw a chart and write the report.",
    ]
    yield from ask("This is how I will go about it.", ("plan", {"steps": steps}))


def _overall(found: Findings) -> Generator[Ask, list[Answer], None]:
    sql = found.queries.overall()
    (answer,) = yield from ask(
        f"I begin with the whole: how many rows count, and the range of {moves.measured(found)}.",
        ("run_sql", {"query": sql}),
    )
    found.ran.append(sql)
    measure = found.queries.choice.measure
    for rows, filled, least, most, mean in answer.rows:
        found.facts.append(f"{figure(rows)} rows count, {figure(filled)} of them with a figure.")
        if measure and mean is not None:
            found.facts.append(
                f"{label(measure.name)} runs from {figure(least)} to {figure(most)}, on average {figure(mean)}."
            )


def _write(found: Findings) -> Program:
    (answer,) = yield from ask(
        "Everything is computed and checked. I write the report.",
        ("write_report", {"markdown": found.report()}),
    )
    return found.answer(str(answer.data.get("file", "")))
