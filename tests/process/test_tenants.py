"""Tenants with keys of their own over a provider: configured by plain data, and asked for in each of its clients."""

import asyncio
from typing import Any

import pytest

from ai_client import ClientConfig, ClientProvider, ConfigError, Labels, labels
from ai_client.checks import examine
from ai_client.doctor import Subject, examine_all
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, KEY
from tests.support.tenants import Directory, key_of, sent

PATH = "tests.process.test_tenants.credentials_of"


def credentials_of(labels: Labels) -> Any:
    """Return the key of a tenant; calls of nobody have none."""
    return None if labels.tenant is None else {"api_key": key_of(labels.tenant)}


async def later(labels: Labels) -> Any:
    """Return the same, to await."""
    return credentials_of(labels)


def options(upstream: Upstream, **more: Any) -> dict[str, Any]:
    """Return the options of a client."""
    return {"api_key": KEY, "base_url": upstream.base_url, **more}


def test_a_dotted_path_serves_both_clients(upstream: Upstream) -> None:
    """Both clients of a provider use the function at the path, and copies of them as well."""
    provider = ClientProvider(
        options(upstream, credentials=PATH, credentials_ttl=5, credentials_by=["tenant"])
    )
    with labels(tenant="a"):
        provider.client.chat.completions.create(**CHAT)
        provider.client.with_options(timeout=5).chat.completions.create(**CHAT)

    async def main() -> None:
        with labels(tenant="b"):
            await provider.async_client.chat.completions.create(**CHAT)
        await provider.aclose()

    asyncio.run(main())
    assert sent(upstream) == [key_of("a"), key_of("a"), key_of("b")]


def test_each_alias_has_its_own_function(upstream: Upstream) -> None:
    """An alias takes no function from the default client."""
    provider = ClientProvider(
        options(upstream, credentials=credentials_of),
        aliases={
            "plain": options(upstream, api_key="sk-plain-0123456789"),
            "other": options(upstream, credentials=Directory(a={"api_key": "sk-other-0123456789"})),
        },
    )
    with labels(tenant="a"):
        for alias in ("default", "plain", "other"):
            provider[alias].client.chat.completions.create(**CHAT)
    provider.close()
    assert sent(upstream) == [key_of("a"), "sk-plain-0123456789", "sk-other-0123456789"]


def test_an_asynchronous_function_is_for_the_async_client(upstream: Upstream) -> None:
    """With a coroutine function the async client works, and the sync one says what to do when it is first used."""
    provider = ClientProvider(options(upstream, credentials=later))

    async def main() -> None:
        with labels(tenant="a"):
            await provider.async_client.chat.completions.create(**CHAT)
        with pytest.raises(ConfigError, match="Configure a plain function: both clients take one"):
            _ = provider.client
        await provider.aclose()

    asyncio.run(main())
    assert sent(upstream) == [key_of("a")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"credentials": "no.such.module"},
            "credentials: The credentials function 'no.such.module' cannot be",
        ),
        ({"credentials": f"{PATH}s"}, "cannot be imported"),
        ({"credentials": "tests.process.test_tenants.PATH"}, "is no function"),
        ({"credentials": 3}, "credentials: "),
        ({"credentials": PATH, "credentials_ttl": -1}, "credentials_ttl: "),
        ({"credentials": PATH, "credentials_by": ["tenants"]}, "credentials_by: .*'tenant'"),
        ({"credentials": PATH, "credentials_by": []}, "credentials_by: "),
        (
            {"credentials": PATH, "client_class": "functools.partial"},
            "credentials: supported only by this package",
        ),
        ({"credential": PATH}, "Did you mean 'credentials'"),
    ],
)
def test_wrong_options_fail_at_the_start(given: dict[str, Any], message: str) -> None:
    """What can never work fails when an application starts, with the option's name."""
    with pytest.raises(ConfigError, match=message):
        ClientConfig(**given)


def test_a_client_of_tenants_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks miss no key where a function returns those of tenants."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert [finding.id for finding in examine({"credentials": PATH}) if not finding.deploy] == []
    assert [finding.id for finding in examine({}) if not finding.deploy] == ["W001"]


def test_the_report_names_the_function() -> None:
    """The report on a configuration shows which function is asked, by its path or name."""
    for given in (PATH, credentials_of):
        found = examine_all(Subject({"default": {"credentials": given}}), offline=True)
        assert any(check.name == "credentials" and "credentials_of" in check.message for check in found)


def test_loops_that_come_and_go_have_their_tenants_keys(upstream: Upstream) -> None:
    """Calls that are bridged to the background loop are made with the key of the tenant whose loop they come from."""
    provider = ClientProvider(options(upstream, credentials=later))

    async def one(tenant: str) -> None:
        with labels(tenant=tenant):
            await provider.async_client.chat.completions.create(**CHAT)

    for tenant in "abab":
        asyncio.run(one(tenant))
    provider.close()
    assert sent(upstream) == [key_of(tenant) for tenant in "abab"]
