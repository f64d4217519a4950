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
from .transactions import Transactions


class SharedParts:
    """See ``Shared``."""

    def __init__(self, log: Log, transactions: Transactions) -> None:
        self.effects = EffectLedger(transactions)
        self.accounts = AccountBook(log, transactions)
        self.circuits = CircuitBoard(transactions)
        self.rates = RateBoard(transactions)
        self.replies = ReplyShelf(transactions)
        self.manifests = ManifestShelf(transactions)
        self.outbox = OutboxQueue(transactions)
        self.ratios = RatioBook(transactions)
        self.erasing = Eraser(transactions)
