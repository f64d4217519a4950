"""What all workers share, in one place."""

from .accounts import AccountBook
from .base import Log
from .circuits import CircuitBoard
from .effects import EffectLedger
from .erasing import Eraser
from .manifests import ManifestShelf
from .outbox import OutboxQueue
from .rates import RateBoard
from .ratios import RatioBook
from .replies import ReplyShelf
from .resets import ResetShelf
from .scope import Scope
from .transactions import Transactions


class SharedParts:
    """See ``Shared``."""

    def __init__(self, log: Log, transactions: Transactions, app: str) -> None:
        scope = Scope.of(app)
        self.effects = EffectLedger(transactions)
        self.accounts = AccountBook(log, transactions, scope)
        self.circuits = CircuitBoard(transactions, scope)
        self.rates = RateBoard(transactions, scope)
        self.replies = ReplyShelf(transactions)
        self.manifests = ManifestShelf(transactions)
        self.outbox = OutboxQueue(transactions, app)
        self.ratios = RatioBook(transactions)
        self.erasing = Eraser(transactions, scope)
        self.resets = ResetShelf(transactions)
