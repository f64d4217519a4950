"""The offline analyst's questions to the table, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .choose import Choice
from .columns import Column
from .words import Cell, identifier, literal

TOP = 12
_LENGTH = {"year": 4, "month": 7, "day": 10}


@dataclass(frozen=True)
class Queries:
    """SQL for a choice of columns; the conditions in ``where`` limit it to what the question names."""

    choice: Choice
    where: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The figure of a group of rows."""
        if self.choice.measure is None:
            return "COUNT(*)"
        name = identifier(self.choice.measure.name)
        return f"AVG({name})" if self.choice.how == "AVG" else f"TOTAL({name})"

    @property
    def again(self) -> str:
        """The same figure computed in another way, for checking."""
        if self.choice.measure is None:
            return "TOTAL(1)"
        name = identifier(self.choice.measure.name)
        total = f"SUM({name} * 1.0)"
        return f"{total} / COUNT({name})" if self.choice.how == "AVG" else f"AVG({name}) * COUNT({name})"

    @property
    def dimension(self) -> Column:
        """The column that makes groups; only for choices that have one."""
        assert self.choice.dimension is not None
        return self.choice.dimension

    @property
    def group(self) -> str:
        """That column in SQL."""
        return identifier(self.dimension.name)

    @property
    def period(self) -> str:
        """When, in periods."""
        assert self.choice.time is not None
        name = identifier(self.choice.time.name)
        return f"substr({name}, 1, {_LENGTH[self.choice.period]})" if self.choice.period else name

    def rows(self, *conditions: str) -> str:
        """The table with the rows that count, and of those the ones that meet more conditions."""
        measure = self.choice.measure
        filled = (f"{identifier(measure.name)} IS NOT NULL",) if measure else ()
        return _table(*self.where, *filled, *conditions)

    def overall(self) -> str:
        """Rows, rows with the measure, and its range."""
        if self.choice.measure is None:
            return f"SELECT COUNT(*), COUNT(*), NULL, NULL, NULL FROM {_table(*self.where)}"
        name = identifier(self.choice.measure.name)
        return f"SELECT COUNT(*), COUNT({name}), MIN({name}), MAX({name}), AVG({name}) FROM {_table(*self.where)}"

    def by_group(self) -> str:
        """The figure of each group."""
        return (
            f"SELECT {self.group}, {self.value}, COUNT(*) FROM {self.rows(self._grouped)} "
            f"GROUP BY 1 ORDER BY 2{self._way}, 1 LIMIT {TOP}"
        )

    def by_period(self, group: Cell = None) -> str:
        """The figure of each period, of one group if given, and its change since the one before."""
        return (
            f"WITH periods AS (SELECT {self.period} AS p, {self.value} AS v, COUNT(*) AS n "
            f"FROM {self._of(group, self._timed)} GROUP BY 1) "
            "SELECT p, v, n, v - LAG(v) OVER (ORDER BY p), LAG(p) OVER (ORDER BY p) FROM periods "
            "ORDER BY p LIMIT 150"
        )

    def growth(self) -> str:
        """Each group's first and last figure and what lies between."""
        return (
            f"WITH cells AS (SELECT {self.group} AS g, {self.period} AS p, {self.value} AS v "
            f"FROM {self.rows(self._grouped, self._timed)} GROUP BY 1, 2), "
            "ends AS (SELECT g, MIN(p) AS a, MAX(p) AS b FROM cells GROUP BY g HAVING MIN(p) < MAX(p)) "
            "SELECT ends.g, a, early.v, b, late.v, late.v - early.v, "
            "CASE WHEN early.v > 0 THEN 100.0 * (late.v - early.v) / early.v END "
            "FROM ends JOIN cells AS early ON early.g = ends.g AND early.p = a "
            "JOIN cells AS late ON late.g = ends.g AND late.p = b "
            f"ORDER BY {'7' if self.choice.relative else '6'}{self._way} NULLS LAST, 1 LIMIT {TOP}"
        )

    def within(self, group: Cell, part: Column) -> str:
        """The parts of one group with the highest figures."""
        name = identifier(part.name)
        return (
            f"SELECT {name}, {self.value}, COUNT(*) FROM {self._of(group, f'{name} IS NOT NULL')} "
            f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {TOP}"
        )

    def spread(self) -> str:
        """Quarters of the measure's values in order: from, to, average, rows."""
        return (
            f"WITH quarters AS (SELECT {self._name} AS v, NTILE(4) OVER (ORDER BY {self._name}) AS q "
            f"FROM {self.rows()}) SELECT q, MIN(v), MAX(v), AVG(v), COUNT(*) FROM quarters GROUP BY q ORDER BY q"
        )

    def histogram(self) -> str:
        """Rows in twelve classes of equal width."""
        name, rows = self._name, self.rows()
        return (
            f"WITH bounds AS (SELECT MIN({name}) AS low, MAX({name}) * 1.0 - MIN({name}) AS width FROM {rows}), "
            f"classes AS (SELECT MIN(11, CAST(12 * ({name} - (SELECT low FROM bounds)) / "
            f"NULLIF((SELECT width FROM bounds), 0) AS INT)) AS c FROM {rows}) "
            "SELECT printf('%.4g', low + width * COALESCE(c, 0) / 12), COUNT(*) FROM classes, bounds "
            "GROUP BY c ORDER BY c"
        )

    def again_overall(self) -> tuple[str, str, str]:
        """Average, rows and highest value of the measure, computed in another way."""
        return (
            f"SELECT SUM({self._name} * 1.0) / COUNT({self._name}) FROM {self.rows()}",
            f"SELECT TOTAL(1) FROM {self.rows()}",
            f"SELECT {self._name} FROM {self.rows()} ORDER BY 1 DESC LIMIT 1",
        )

    def at(self, group: Cell = None, period: Cell = None) -> str:
        """One figure, computed in another way than above."""
        when = () if period is None else (f"{self.period} = {literal(period)}",)
        return f"SELECT {self.again} FROM {self._of(group, *when)}"

    def change(self, group: Cell, since: Cell, until: Cell) -> str:
        """One change, computed in another way than above."""
        return f"SELECT ({self.at(group, until)}) - ({self.at(group, since)})"

    def chart_of_groups(self, groups: Sequence[Cell]) -> str:
        """Period, group, figure."""
        listed = f"{self.group} IN ({', '.join(literal(group) for group in groups)})"
        return (
            f"SELECT {self.period}, {self.group}, {self.value} FROM {self.rows(listed, self._timed)} "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )

    def chart_of_periods(self) -> str:
        """Period, figure."""
        return f"SELECT {self.period}, {self.value} FROM {self.rows(self._timed)} GROUP BY 1 ORDER BY 1"

    def chart_of_ranking(self) -> str:
        """Group, figure."""
        return (
            f"SELECT {self.group}, {self.value} FROM {self.rows(self._grouped)} "
            f"GROUP BY 1 ORDER BY 2{self._way}, 1 LIMIT {TOP}"
        )

    def _of(self, group: Cell, *conditions: str) -> str:
        one = () if group is None else (f"{self.group} = {literal(group)}",)
        return self.rows(*one, *conditions)

    @property
    def _name(self) -> str:
        assert self.choice.measure is not None
        return identifier(self.choice.measure.name)

    @property
    def _grouped(self) -> str:
        return f"{self.group} IS NOT NULL"

    @property
    def _timed(self) -> str:
        return f"{self.period} IS NOT NULL"

    @property
    def _way(self) -> str:
        return "" if self.choice.falling else " DESC"


def _table(*conditions: str) -> str:
    return f"data WHERE {' AND '.join(conditions)}" if conditions else "data"


def named_values(question: str, columns: Sequence[Column]) -> str:
    """Values of text columns that occur in the question: the column's place, the value."""
    asked = literal(" ".join(question.lower().split())[:2_000])
    parts = [
        f"SELECT DISTINCT {i}, {identifier(c.name)} FROM data WHERE length({identifier(c.name)}) BETWEEN 3 AND 60 "
        f"AND instr({asked}, lower({identifier(c.name)})) > 0"
        for i, c in enumerate(columns)
    ]
    return " UNION ALL ".join(parts) + " LIMIT 40"
