"""The client of each caller of a server: with the credential of its HTTP request, as that principal."""

import hashlib
from collections import OrderedDict

from temporalio.client import Client as TemporalClient

from holdfast_client.client import Client, connect
from holdfast_workflows.contracts.errors import InvalidCredential

_MOST = 1_000
"""Callers whose clients are kept."""

_BEARER = "bearer "


class Callers:
    """Clients by credential. ``temporal`` and ``task_queue`` reach the workers, which check the credentials."""

    def __init__(self, temporal: TemporalClient, task_queue: str | None) -> None:
        self._temporal = temporal
        self._queue = task_queue
        self._clients = OrderedDict[str, Client]()

    async def client(self, authorization: str) -> Client:
        """The client for the value of an ``Authorization`` header.

        Raises:
            InvalidCredential: It has no bearer token.
        """
        token = authorization[len(_BEARER) :].strip()
        if not authorization.lower().startswith(_BEARER) or not token:
            raise InvalidCredential("the request has no bearer token")
        key = hashlib.sha256(token.encode()).hexdigest()
        if key not in self._clients:
            # A function, since a text such as file:/path would be read here.
            made = await connect(temporal=self._temporal, task_queue=self._queue, credential=lambda: token)
            self._clients[key] = made.without_waiting()
            while len(self._clients) > _MOST:
                self._clients.popitem(last=False)
        self._clients.move_to_end(key)
        return self._clients[key]
