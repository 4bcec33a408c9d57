"""What importing and building loads: nothing that is not used."""

import subprocess
import sys

import pytest

FRAMEWORKS = {"fastapi", "starlette", "django", "flask"}
OPTIONAL = {"httpx2", "aiohttp", "genai_prices", "redis", "opentelemetry", "websockets", "numpy", "openai"}


def loaded_after(code: str) -> set[str]:
    """Give the modules that a fresh interpreter has loaded after running *code*."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_import_is_light() -> None:
    """`import ai_client` loads no HTTP library, no pydantic, no resource and no type module."""
    loaded = loaded_after("import ai_client")
    assert not loaded & (FRAMEWORKS | OPTIONAL | {"httpx", "httpcore", "pydantic", "asyncio"})
    assert not {name for name in loaded if name.startswith(("ai_client.resources", "ai_client.types"))}


@pytest.mark.parametrize("cls", ["OpenAI", "AsyncOpenAI"])
def test_client_loads_nothing_unused(cls: str) -> None:
    """Building a client loads no framework, no optional library, no resource and no type module."""
    loaded = loaded_after(f"import ai_client; ai_client.{cls}(api_key='key')")
    assert not loaded & (FRAMEWORKS | OPTIONAL)
    assert not {name for name in loaded if name.startswith(("ai_client.resources.", "ai_client.types."))}


def test_one_side_loads_nothing_of_the_other() -> None:
    """The sync client loads no asyncio, nor a pool where it has an HTTP client to use."""
    loaded = loaded_after("import ai_client; ai_client.OpenAI(api_key='key').chat.completions")
    assert "asyncio" not in loaded
    assert "ai_client._pool.sync_pool" in loaded
    loaded = loaded_after(
        "import ai_client, httpx; ai_client.OpenAI(api_key='key', http_client=httpx.Client())"
    )
    seam = {"", ".checked", ".connection_log", ".message", ".permits", ".phases", ".response_head"}
    pool = "ai_client._pool"
    assert {name.removeprefix(pool) for name in loaded if name.startswith(pool)} <= seam


@pytest.mark.parametrize("module", ["adapter", "testing.adapter_contract"])
def test_parts_of_adapters_load_no_framework(module: str) -> None:
    """What adapters of any framework are made of and tested by loads no framework and no optional library."""
    loaded = loaded_after(f"import ai_client.{module}")
    assert not loaded & (FRAMEWORKS | OPTIONAL)


@pytest.mark.parametrize("adapter", ["ai_client_fastapi", "ai_client_flask", "ai_client_django"])
def test_adapters_load_no_policy(adapter: str) -> None:
    """Importing an adapter loads no policy but redaction, no store, and nothing that operators ask for."""
    loaded = {name for name in loaded_after(f"import {adapter}") if name.startswith("ai_client.")}
    policies = {name for name in loaded if name.startswith("ai_client.control.")}
    assert {name for name in policies if not name.startswith("ai_client.control.observability")} == set()
    unused = ("metrics", "operations.", "stores", "scan", "control.observability.otel")
    assert not {name for name in loaded if name.removeprefix("ai_client.").startswith(unused)}


def test_chat_loads_only_chat() -> None:
    """Using `client.chat` does not load the types of other resources."""
    loaded = loaded_after("import ai_client; ai_client.OpenAI(api_key='key').chat.completions")
    assert "ai_client.resources.embeddings" not in loaded
    assert not {name for name in loaded if name.startswith("ai_client.types.responses")}


@pytest.mark.parametrize(
    ("use", "unused"),
    [
        ("chat.completions", ("beta", "admin", "realtime", "responses")),
        ("responses", ("beta", "admin", "realtime", "chat", "evals")),
        ("embeddings", ("beta", "admin", "chat", "responses")),
    ],
)
def test_a_resource_loads_no_other_part_of_the_api(use: str, unused: tuple[str, ...]) -> None:
    """Using a resource loads neither the resources nor the types of other parts of the API."""
    loaded = loaded_after(f"import ai_client; ai_client.OpenAI(api_key='key').{use}")
    assert not {
        name
        for part in unused
        for name in loaded
        if name.startswith((f"ai_client.types.{part}", f"ai_client.resources.{part}"))
    }


def test_a_type_loads_no_other() -> None:
    """A name of a package of types loads what it is made of and nothing else."""
    loaded = loaded_after("from ai_client.types.chat import ChatCompletionChunk")
    types = {name for name in loaded if name.startswith("ai_client.types.") and "param" in name}
    assert not types
    assert not {
        name for name in loaded if name.startswith(("ai_client.resources", "ai_client.types.responses"))
    }
