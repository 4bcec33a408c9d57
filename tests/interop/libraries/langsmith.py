"""langsmith: a wrapped client, whose calls are recorded as runs."""

from contextlib import AbstractContextManager
from typing import Any

from langsmith import tracing_context
from langsmith.wrappers import wrap_openai

from libraries import client
