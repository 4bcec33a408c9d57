from typing import Any

from ai_client._call import protocols
from ai_client._process.gate import DrainGate
from ai_client._sockets.client import SessionClient
from ai_client._sockets.open_sessions import OpenSession
from ai_client._sockets.sessions import Session
from ai_client.client import BaseClient


def client_of_sessions(client: BaseClient[Any]) -> SessionClient:
    return client


def session(session: Session) -> OpenSession:
    return session


def gate(gate: DrainGate) -> protocols.Gate:
    return gate
