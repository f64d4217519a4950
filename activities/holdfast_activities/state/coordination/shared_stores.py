"""What all workers share, in one place."""

from ..base import Log
from ..content.erasing import Eraser
from ..content.manifests import ManifestStore
from ..content.replies import ReplyStore
from ..content.resets import ResetShelf
from ..content.token_calibration import CalibrationStore
from ..setup.transactions import Transactions
from .breakers import BreakerStore
from .budgets import BudgetStore
from .effects import EffectLedger
from .outbox import OutboxQueue
from .rates import RateStore
from .scope import Scope


class SharedParts:
    """See ``Shared``."""

    def __init__(self, log: Log, transactions: Transactions, app: str) -> None:
        scope = Scope.of(app)
        self.effects = EffectLedger(transactions)
        self.accounts = BudgetStore(log, transactions, scope)
        self.breakers = BreakerStore(transactions, scope)
        self.rates = RateStore(transactions, scope)
        self.replies = ReplyStore(transactions)
        self.manifests = ManifestStore(transactions)
        self.outbox = OutboxQueue(transactions, app)
        self.ratios = CalibrationStore(transactions)
        self.erasing = Eraser(transactions, scope)
        self.resets = ResetShelf(transactions)
