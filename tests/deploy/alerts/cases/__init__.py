"""For each alert: the fault at which it fires, and one that is just too small."""

from .models import MODELS
from .operations import OPERATIONS
from .service import SERVICE
from .temporal import TEMPORAL
from .workers import WORKERS

CASES = (*SERVICE, *MODELS, *WORKERS, *TEMPORAL, *OPERATIONS)
