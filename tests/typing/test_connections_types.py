"""Options that say how clients connect, as type checkers see them in each place that takes options."""

import ssl
from pathlib import Path

import httpx

from ai_client import AsyncOpenAI, AzureOpenAI, ClientConfig, ClientProvider, OpenAI
from ai_client.auth import WorkloadIdentity
from ai_client_fastapi import ai_client_lifespan
from ai_client_flask import AIClient


def check_options() -> None:
    identity: WorkloadIdentity = {
        "identity_provider_id": "p",
        "service_account_id": "s",
        "provider": {"token_type": "jwt", "get_token": lambda: "token"},
    }
    OpenAI(verify="ca.pem", cert=("a.pem", "a.key", "password"), proxy="", uds=Path("a"), http2=False)
    AsyncOpenAI(verify=ssl.create_default_context(), cert=Path("a.pem"), local_address="127.0.0.1")
    AzureOpenAI(verify=False, cert=["a.pem", "a.key"], uds="a.sock")
    OpenAI(cert=3)  # type: ignore[arg-type]
    ClientProvider(timeout=httpx.Timeout(3), workload_identity=identity, http_client=httpx.Client())
    ClientProvider(timeout={"connect": 2, "read": None}, cert=(Path("a.pem"), "a.key"), http_backend="httpx2")
    ClientConfig(timeout=3, verify=Path("ca.pem"), async_http_client=httpx.AsyncClient, data_residency="eu")
    ClientConfig(uds=3)  # type: ignore[arg-type]
    ai_client_lifespan(verify=True, proxy="http://proxy.test:3128", workload_identity="app.identity")
    AIClient(verify="ca.pem", websocket_base_url="wss://h/v1", aliases={"other": {"uds": "a.sock"}})
