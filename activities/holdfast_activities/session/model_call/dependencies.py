"""What every model call of a worker uses."""

from dataclasses import dataclass

from holdfast_activities.context import Conversations, TokenCalibration
from holdfast_activities.resilience import Resilience
from holdfast_activities.state.database import State


@dataclass(frozen=True)
class WorkerDependencies:
    """The worker's state database, caches and guards."""

    state: State
    conversations: Conversations
    resilience: Resilience
    ratios: TokenCalibration
