"""Impossible values of every option, in the settings of each framework: the start names the option, and no secret."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

import pytest
from django.core.checks import Error
from django.test import override_settings
from fastapi import FastAPI
from flask import Flask

from ai_client import ClientConfig, ConfigError
from ai_client.control.assembly import OPTIONS
from ai_client_django._handle import SettingsHandle
from ai_client_django.checks import check_options
from ai_client_fastapi import ai_client_lifespan
from ai_client_flask import AIClient
from tools.docs.policies import POLICIES

SECRET = "hush-hush"
Options = dict[str, Any]


class Odd:
    """What no option takes."""

    def __repr__(self) -> str:
        return SECRET


IMPOSSIBLE: dict[str, Any] = {
    "object": Odd(),
    "type": Odd,
    "list": [SECRET, Odd()],
    "dict": {"oddd": SECRET},
    "nested": {"oddd": [{"oddd": SECRET}]},
    "set": {SECRET},
    "bytes": SECRET.encode(),
    "text": f"{SECRET}\n",
    "address": f"https://user:{SECRET}@h/v1?code={SECRET}#there",
    "store": f"redis:/user:{SECRET}@h",
    "empty": "",
    "blank": " ",
    "truth": True,
    "negative": -1,
    "fraction": -0.5,
    "endless": float("inf"),
    "none": float("nan"),
    "huge": 10**400,
}
"""Values of a wrong kind, most of which hold a secret."""


def start_django(options: Options) -> None:
    """Start a project, which raises; the system checks say the same."""
    messages = checked(options)
    with override_settings(AI_CLIENT=options):
        assert not messages, messages


def checked(options: Options) -> list[str]:
    """Return the errors of Django's system checks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ai_client_django.checks.handle", lambda: SettingsHandle(options))
        found = check_options(None)
    return [f"{message.msg} {message.hint}" for message in found if isinstance(message, Error)]


def start_flask(options: Options) -> None:
    """Start an application of Flask."""
    app = Flask("test")
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    extension = AIClient(app)
    with app.app_context():
        assert extension["default"].config


def start_fastapi(options: Options) -> None:
    """Start an application of FastAPI, and end it."""
    app = FastAPI(lifespan=ai_client_lifespan(options))

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(serve())


STARTS: tuple[Callable[[Options], None], ...] = (start_django, start_flask, start_fastapi)


def said_by(starts: Iterable[Callable[[Options], None]], options: Options) -> Iterator[str]:
    """Yield what each framework says of options that it refuses."""
    for start in starts:
        try:
            start(options)
        except ConfigError as error:
            yield str(error)


def faults(make: Callable[[Any], Options], *names: str) -> dict[str, str]:
    """Start Django with each impossible value, and the others with one; return what was said of those refused."""
    refused: dict[str, str] = {}
    for kind, value in IMPOSSIBLE.items():
        options = make(value)
        starts = STARTS if kind == "object" else STARTS[:1]
        said = [*said_by(starts, options)]
        if said:
            assert len(said) == len(starts), f"{kind} was refused by some only: {said}"
            said += checked(options)
            refused[kind] = said[0]
        for text in said:
            assert SECRET not in text, kind
            for name in names:
                assert name.casefold() in text.casefold(), (kind, text)
    return refused


@pytest.mark.parametrize("name", ClientConfig.model_fields)
def test_options_of_a_client(name: str) -> None:
    """Whatever is impossible for an option of a client is refused by its name."""
    found = faults(lambda value: {"api_key": "k", name: value}, name)
    assert {"object", "list", "set", "bytes", "negative", "fraction"} <= found.keys()


@pytest.mark.parametrize("name", sorted(set(ClientConfig.model_fields) - {"api_key"}))
def test_options_of_a_target(name: str) -> None:
    """Whatever is impossible for an option of a client in a chain is refused by its name, and the client's."""

    def make(value: Any) -> Options:
        clients = {"spare": {"api_key": "k", name: value}}
        return {"controls": {"models": {"a": ["b", "spare:c"]}, "fallback": {"clients": clients}}}

    found = faults(make, "controls", "fallback.clients.spare", name)
    assert {"object", "list", "set", "bytes", "negative", "fraction"} <= found.keys()


def control(option: str, value: Any) -> Options:
    """Return options with a control."""
    budgets = [{"usd": 5, "per": "day"}]  # which alerts may be of
    return {"api_key": "k", "controls": {"cost": True, "budgets": budgets, option: value}}


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_controls(name: str) -> None:
    """Whatever is impossible for a control is refused by its name."""
    found = faults(lambda value: control(name, value), "controls", name)
    assert {"object", "list", "set", "bytes"} <= found.keys()


MEASURES = {"budgets": ("usd", "tokens", "requests"), "rate_limits": ("requests", "tokens")}
"""Members of which one is required, of some controls that are lists."""
LISTS = {*MEASURES, "alerts"}
"""Controls that are lists."""
REQUIRED = {
    "scope": "endpoint",
    "input": 1,
    "output": 1,
    "max_in_flight": 3,
    "per": "minute",
    "on": "errors",
    "to": "logging",
}
BESIDE: dict[tuple[str, str], Options] = {
    ("alerts", "at"): {"on": "budget"},
    ("alerts", "secret"): {"to": "https://example.com/alerts"},
    ("alerts", "secret_file"): {"to": "https://example.com/alerts"},
}
"""What members are for, where a control has them for some of its kinds only."""
MEMBERS = [
    (option, one.name)
    for option, (cls, hidden) in POLICIES.items()
    for one in fields(cls)
    if one.init and one.name not in hidden
]


def with_member(option: str, name: str, value: Any) -> Options:
    """Return options with a member of a control, and with those that the control requires."""
    cls, hidden = POLICIES[option]
    given: Any = {
        one.name: REQUIRED[one.name]
        for one in fields(cls)
        if one.init and one.name not in hidden and one.default is MISSING and one.default_factory is MISSING
    }
    if option in MEASURES and name not in MEASURES[option]:
        given[MEASURES[option][0]] = 1
    given |= {**BESIDE.get((option, name), {}), name: value}
    if option in LISTS:
        return control(option, [given])
    return control(option, {"m": given} if option == "prices" else given)


@pytest.mark.parametrize(("option", "name"), MEMBERS)
def test_members_of_controls(option: str, name: str) -> None:
    """Whatever is impossible for a member of a control is refused by the names of both."""
    found = faults(lambda value: with_member(option, name, value), "controls", option, name)
    assert {"object", "set", "bytes"} <= found.keys()


@pytest.mark.parametrize("option", POLICIES)
def test_unknown_members(option: str) -> None:
    """An unknown member is refused by its name and its control's, without its value."""
    for options in (with_member(option, "oddd", SECRET), control("oddd", SECRET), {"oddd": SECRET}):
        for text in [*said_by(STARTS, options), *checked(options)]:
            assert "oddd" in text.casefold()
            assert SECRET not in text
        assert len([*said_by(STARTS, options)]) == len(STARTS)
    assert option in next(said_by(STARTS, with_member(option, "oddd", SECRET)))


@pytest.mark.parametrize("value", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_settings_as_a_whole(value: Any) -> None:
    """A setting that is no dict of options is refused, and so is one of an alias."""
    for setting in (value, {"default": {"api_key": "k"}, "other": value}):
        if isinstance(value, Mapping):
            continue
        (said,) = checked(setting)
        assert "AI_CLIENT" in said
        assert SECRET not in said
        with pytest.raises(ConfigError, match="AI_CLIENT") as raised:
            override_settings(AI_CLIENT=setting).enable()
        assert SECRET not in str(raised.value)
