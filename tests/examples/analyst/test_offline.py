"""The offline analyst over files of every make, with the real tools."""

from __future__ import annotations

import csv
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.analyst.app import QUESTION, SAMPLE
from examples.analyst.offline.findings import WHO

from .driving import Run, drive

SALES = "region,month,units sold,price\nNorth,2024-01-01,3,1.5\nNorth,2024-02-01,5,1.5\nSouth,2024-01-01,9,2\nSouth,2024-02-01,7,2\n"

ODD: dict[str, tuple[bytes, str]] = {
    "sales": (SALES.encode(), "Which region grew most, and when?"),
    "semicolons, BOM and decimal commas": (
        "\ufeffRegion;Jahr;Umsatz\nNord;2020;1,5\nNord;2021;2,5\nSüd;2020;7,5\nSüd;2021;7,25\n".encode(),
        "Which Region grew most in Umsatz?",
    ),
    "UTF-16 with tabs": (
        "name\tscore\nä\t1\nö\t2\nä\t4\n".encode("utf-16"),
        "Which name has the highest score?",
    ),
    "Windows-1252": ("café,n\nétoile,1\nétoile,3\nbar,2\n".encode("cp1252"), "Which café has most n?"),
    "only numbers": (b"a,b\n1,2.5\n3,1.5\n2,9\n8,4\n", "How is b spread?"),
    "numbers without a header": (b"1,2\n3,4\n5,6\n", "What is the average?"),
    "only text": (b"animal,sound\ncat,meow\ndog,woof\ncat,purr\n", "Which animal is most common?"),
    "every text different": (b"name\nann\nbob\ncid\n", "Who?"),
    "one column of numbers": (b"x\n1\n2\n2\n10\n", "What is the average x?"),
    "one number again and again": (b"x\n5\n5\n5\n", "How is x spread?"),
    "a single cell": (b"x\n5\n", "What is x?"),
    "names with quotes": (
        b'"say ""hi"" group","va`l|u;e","when?"\na,1,2020\na,2,2021\nb,5,2020\nb,4,2021\n',
        'Which "say hi" group fell most?',
    ),
    "names of SQL": (
        b"select,from,order,group\nx,1,2001-01-01,y\nx,2,2003-01-01,z\nw,3,2009-01-01,y\n",
        "Which group?",
    ),
    "names without letters": ("价格,🙂, ,\n1,a,x,\n2,b,y,\n3,a,x,\n".encode(), "价格?"),
    "the same name twice": (b"a,A,a\nx,1,2\ny,3,4\nx,5,6\n", "Which a?"),
    "empty": (b"", "What happened?"),
    "only a header": (b"a,b\n", "What happened?"),
    "only blank lines": (b"\n\n , \n", "What happened?"),
    "ragged": (b"a,b,c\n1,x\n2,y,z,w\n3\n", "Which b?"),
    "NUL and control characters": (b"na\x00me,n\na\x00b,1\na\x00b,2\nc\x01,9\n", "Which name has least n?"),
    "missing everywhere": (b"g,v\na,\nb,NA\na,n/a\nb,-\n", "Which g grew?"),
    "infinite and huge": (b"g,v\na,1e308\na,1e308\nb,99999999999999999999\nb,nan\n", "Which g has most v?"),
    "a date in every row": (b"day,v\n01/02/2024,1\n13/02/2024,2\n20/03/2024,5\n", "How did v develop?"),
    "falling": (b"g,year,v\na,2000,9\na,2001,1\nb,2000,5\nb,2001,4\n", "Which g fell most?"),
    "markup in values": (b"g,v\n<b>|x*,1\n[a](b),2\n<b>|x*,4\n", "Which g has the highest v?"),
    "quotes in values": (b'g,v\nO\'Neil,1\n"a ""b""",2\nO\'Neil,4\n', "Which g, O'Neil or others?"),
    "a very long value": (b"g,v\n" + b"x" * 5_000 + b",1\n" + b"x" * 5_000 + b",3\ny,2\n", "Which g?"),
    "wide": (
        (",".join(f"c{i}" for i in range(600)) + "\n" + ",".join("1" for _ in range(600)) + "\n").encode(),
        "c5?",
    ),
    "wide with long names": (
        (",".join("ä" * 90 + str(i) for i in range(600)) + "\n").encode()
        + (b",".join([b"x" * 300] * 600) + b"\n") * 2,
        "Which?",
    ),
    "no question": (SALES.encode(), ""),
    "a question of quotes": (SALES.encode(), "'; DROP TABLE data; -- \" \x00 %s {} \ud800"),
}


def sound(run: Run) -> None:
    """What holds whatever the file was."""
    assert run.steps[-1].calls == ()
    assert WHO in run.answer
    assert run.failures == []
    assert all(len(result.encode()) < 32_000 for result in run.results)
    assert WHO in run.report
    assert "report.md" in run.answer
    assert "NO |" not in run.report
    assert "There is no chart" not in run.report
    assert "did not work" not in run.report


@pytest.mark.parametrize("name", ODD)
async def test_any_file_ends_in_a_report_whose_figures_were_checked(name: str, tmp_path: Path) -> None:
    content, question = ODD[name]
    data = tmp_path / "odd.csv"
    data.write_bytes(content)
    sound(await drive(question, data, tmp_path / "report"))


async def test_the_sample_is_answered_rightly_in_ten_to_fourteen_steps(tmp_path: Path) -> None:
    run = await drive(QUESTION, SAMPLE, tmp_path)
    sound(run)
    with SAMPLE.open(newline="") as file:
        rows = list(csv.DictReader(file))

    def mean(continent: str, year: str) -> float:
        found = [
            float(r["life_expectancy"]) for r in rows if (r["continent"], r["year"]) == (continent, year)
        ]
        return sum(found) / len(found)

    years = sorted({row["year"] for row in rows})
    growth = {c: mean(c, years[-1]) - mean(c, years[0]) for c in {row["continent"] for row in rows}}
    winner = max(growth, key=lambda c: growth[c])
    steps = {b: mean(winner, b) - mean(winner, a) for a, b in itertools.pairwise(years)}
    fastest = max(steps, key=lambda year: steps[year])
    assert f"grew most in {winner}: " in run.answer
    assert f"a change of {growth[winner]:.1f}" in run.answer
    assert f"and {fastest}: {steps[fastest]:.2f}" in run.answer
    assert 10 <= len(run.steps) <= 14
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert "![Average life expectancy by continent](chart.png)" in run.report


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Which continent's population grew most in percent?", "grew most in Africa"),
        ("Which country has the lowest life expectancy?", "is lowest in Sierra Leone"),
        ("Compare Norway and Sweden: whose GDP per capita grew more?", "grew most in Norway"),
        ("How did the population of Japan develop?", "from 86,459,025 in 1952 to 127,467,972 in 2007"),
    ],
)
async def test_the_question_decides_what_is_computed(question: str, said: str, tmp_path: Path) -> None:
    run = await drive(question, SAMPLE, tmp_path)
    sound(run)
    assert said in run.answer


@pytest.mark.slow
async def test_a_hundred_thousand_rows_are_analysed(tmp_path: Path) -> None:
    dice = random.Random(7)
    data = tmp_path / "large.csv"
    with data.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["shop", "day", "revenue"])
        rows.writerows(
            (
                f"shop {dice.randrange(40)}",
                f"20{dice.randrange(15, 25)}-0{dice.randrange(1, 10)}-11",
                dice.random() * 99,
            )
            for _ in range(100_000)
        )
    sound(await drive("Which shop's revenue grew most?", data, tmp_path / "report"))


async def test_a_missing_file_is_said_plainly(tmp_path: Path) -> None:
    run = await drive("Which?", tmp_path / "nowhere.csv", tmp_path)
    assert "nowhere.csv cannot be read" in run.answer
    assert WHO in run.answer


def test_the_same_results_give_the_same_reply() -> None:
    from examples.analyst.offline import analyse, reply

    results = ['{"file":"f","table":"data","rows":0,"columns":[],"notes":[]}']
    assert reply(analyse("q"), results) == reply(analyse("q"), results)


CELL = (
    st.text(max_size=12) | st.integers().map(str) | st.floats().map(str) | st.dates().map(str) | st.just("")
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(max_size=12), min_size=1, max_size=4),
    rows=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=8),
    question=st.text(max_size=40),
)
async def test_whatever_is_in_the_file_there_is_an_answer(
    names: list[str], rows: list[list[str]], question: str, tmp_path: Path
) -> None:
    data = tmp_path / "any.csv"
    with data.open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([names, *rows])
    sound(await drive(question, data, tmp_path / "report"))


async def test_years_of_few_digits_are_dates_like_any_other(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("day,count\n0001/2,3\n0001/1,4\n")
    sound(await drive("How did the count change?", data, tmp_path / "report"))
