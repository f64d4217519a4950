"""The dashboards. Their metrics are those of ``contracts/operations/metrics.py`` and of Temporal's SDK."""

import json
from pathlib import Path

from ..panels import Board, dashboard
from .cost import COST
from .memory import MEMORY
from .models import MODELS
from .overview import OVERVIEW
from .tools import TOOLS
from .workers import WORKERS

BOARDS = (OVERVIEW, COST, MODELS, TOOLS, MEMORY, WORKERS)
FOLDER = Path(__file__).parents[1] / "dashboards"


def text(board: Board) -> str:
    """The file of a dashboard, as Grafana reads it."""
    return json.dumps(dashboard(board), indent=1, ensure_ascii=False) + "\n"
