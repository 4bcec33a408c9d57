"""The programs for Flask."""

import os

import httpx
import openai
from flask import Flask

import ai_client
from ai_client_flask import AIClient

from . import ASK

app = Flask(__name__)
ai = AIClient(app)


@app.get("/bad/ours")
def bad_ours() -> str:
    """Build a client of this package for the request."""
    client = ai_client.OpenAI()
    return client.chat.completions.create(**ASK).choices[0].message.content or ""


@app.get("/bad/official")
def bad_official() -> str:
    """Build a client of the official SDK for the request."""
    client = openai.OpenAI()
    return client.chat.completions.create(**ASK).choices[0].message.content or ""


@app.get("/bad/http")
def bad_http() -> str:
    """Have httpx build a client for the request."""
    return str(httpx.get(os.environ["OPENAI_BASE_URL"] + "/models").status_code)


@app.get("/good/ours")
def good_ours() -> str:
    """Use the client of the process, and a copy of it."""
    client = ai.client.with_options(timeout=30)
    return client.chat.completions.create(**ASK).choices[0].message.content or ""


@app.get("/good/official")
def good_official() -> str:
    """Use the official client of the process, and a copy of it."""
    client = ai.official.with_options(timeout=30)
    return client.chat.completions.create(**ASK).choices[0].message.content or ""
