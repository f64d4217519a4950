"""Panels of a dashboard, in Grafana's JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24

Kind = Literal["timeseries", "stat", "bargauge"]
_OPTIONS: Mapping[Kind, dict[str, Any]] = {
    "timeseries": {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "calcs": ["lastNotNull", "max"],
            "showLegend": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
    },
    "bargauge": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "displayMode": "gradient",
        "orientation": "horizontal",
        "showUnfilled": True,
    },
}


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: What it shows.
        queries: Expressions by legend. ``{{label}}`` in a legend is the label's value.
        unit: Grafana's unit: ``s``, ``percentunit``, ``bytes``, ``currencyUSD``, ``reqps``, ``short``.
        text: What a reader should know; shown at the title.
        kind: The type of panel.
        width: In columns; a row has 24.
        warn: From here on it is yellow, and a line is drawn.
        bad: From here on it is red, and a line is drawn. It is the threshold of an alert where there is one.
        stacked: Whether the values add up.
        top: The upper end of the axis.
    """

    title: str
    queries: Mapping[str, str]
    unit: str = "short"
    text: str = ""
    kind: Kind = "timeseries"
    width: int = 8
    warn: float | None = None
    bad: float | None = None
    stacked: bool = False
    top: float | None = None


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Board:
    """One dashboard. ``variables`` are labels to choose by, each with the metric whose values it lists."""

    uid: str
    title: str
    text: str
    rows: Sequence[Row]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


def quantiles(metric: str, by: str, matchers: str = "") -> dict[str, str]:
    """The p50, p95 and p99 of a histogram."""
    label = f" {{{{{by}}}}}" if by else ""
    groups = f"{by}, le" if by else "le"
    return {
        f"p{round(q * 100)}{label}": (
            f"histogram_quantile({q:g}, sum by ({groups}) (rate({metric}_bucket{matchers}[$__rate_interval])))"
        )
        for q in (0.5, 0.95, 0.99)
    }


def dashboard(board: Board) -> dict[str, Any]:
    """The dashboard in Grafana's JSON."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.text,
        "tags": ["holdfast"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "type": "dashboards",
                "title": "Holdfast",
                "tags": ["holdfast"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "icon": "external link",
                "tooltip": "",
                "targetBlank": False,
                "url": "",
            }
        ],
        "templating": {"list": [_SOURCES, *(_variable(*each) for each in board.variables.items())]},
        "annotations": {"list": [_ALERTS]},
        "panels": _panels(board.rows),
    }


_SOURCES = {
    "name": "datasource",
    "type": "datasource",
    "label": "Data source",
    "query": "prometheus",
    "hide": 0,
    "includeAll": False,
    "multi": False,
    "refresh": 1,
}
_ALERTS = {
    "name": "Alerts",
    "datasource": DATASOURCE,
    "enable": True,
    "iconColor": "red",
    "expr": 'ALERTS{alertname=~"Holdfast.*",alertstate="firing",severity!="none"}',
    "titleFormat": "{{alertname}}",
    "textFormat": "{{severity}}",
}


def _variable(label: str, metric: str) -> dict[str, Any]:
    return {
        "name": label,
        "type": "query",
        "label": label.capitalize(),
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({metric}, {label})", "refId": label},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "hide": 0,
    }


def _panels(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The panels at their places, from left to right."""
    found = list[dict[str, Any]]()
    y = 0
    for row in rows:
        found.append(
            {**_at(len(found) + 1, row.title, "row", 0, y, COLUMNS, 1), "collapsed": False, "panels": []}
        )
        x, y, height = 0, y + 1, 0
        for panel in row.panels:
            tall = 4 if panel.kind == "stat" else 8
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            found.append(
                _at(len(found) + 1, panel.title, panel.kind, x, y, panel.width, tall) | _content(panel)
            )
            x, height = x + panel.width, max(height, tall)
        y += height
    return found


def _at(id: int, title: str, kind: str, x: int, y: int, width: int, height: int) -> dict[str, Any]:
    return {"id": id, "title": title, "type": kind, "gridPos": {"x": x, "y": y, "w": width, "h": height}}


def _content(panel: Panel) -> dict[str, Any]:
    return {
        "description": panel.text,
        "datasource": DATASOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
                "editorMode": "code",
                "range": True,
            }
            for number, (legend, expression) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [
        {"color": color, "value": value}
        for color, value in (("yellow", panel.warn), ("red", panel.bad))
        if value is not None
    ]
    found: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
    }
    if panel.top is not None:
        found["max"] = panel.top
    if panel.kind == "timeseries":
        found["custom"] = {
            "drawStyle": "line",
            "fillOpacity": 25 if panel.stacked else 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if len(steps) > 1 else "off"},
        }
    return found
