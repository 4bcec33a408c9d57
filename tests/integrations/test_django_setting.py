"""`settings.AI_CLIENT` as the dict that its project wrote."""

import copy
import json
import pickle
import sys
import threading
import unittest.mock
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from pytest_django import Settings

from ai_client import DEFAULT_TIMEOUT, AsyncOpenAI, ConfigError, OpenAI
from ai_client.testing import Upstream
from ai_client_django import ai_client, get_ai_client, get_async_ai_client
from ai_client_django._current import handle

FLAT: dict[str, Any] = {"api_key": "k", "timeout": 30, "controls": {"cost": True, "budgets": []}}
SEVERAL: dict[str, Any] = {
    "default": {"api_key": "k", "timeout": 30},
    "azure": {"api_key": "a", "base_url": "https://az.test/v1", "default_headers": {"X-One": "1"}},
}
WRITTEN = pytest.mark.parametrize("written", [FLAT, SEVERAL], ids=["flat", "several"])


def nested_types(value: Any) -> set[type]:
    """Return the types of a dict and of the dicts inside it."""
    return {type(value)}.union(*(nested_types(inner) for inner in value.values() if isinstance(inner, dict)))


def is_built() -> bool:
    """Return whether a client of the present setting was built."""
    return any(handle().provider[alias].present is not None for alias in handle().provider)


@WRITTEN
@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        lambda setting: setting.copy(),
        lambda setting: setting | {},
        lambda setting: {} | setting,
        lambda setting: pickle.loads(pickle.dumps(setting)),  # noqa: S301 - its own
        lambda setting: json.loads(json.dumps(setting)),
    ],
    ids=["copy", "deepcopy", ".copy()", "|", "reflected |", "pickle", "json"],
)
def test_copies_are_plain(written: dict[str, Any], duplicate: Any) -> None:
    """Each way to copy the setting gives a plain dict of plain dicts, as written."""
    with override_settings(AI_CLIENT=copy.deepcopy(written)):
        made = duplicate(django_settings.AI_CLIENT)
        assert made == written
        assert nested_types(made) == {dict}
        assert not is_built()


@WRITTEN
def test_it_is_a_dict(written: dict[str, Any]) -> None:
    """The setting is a dict, equal to what was written and with its keys in order."""
    with override_settings(AI_CLIENT=written):
        setting = django_settings.AI_CLIENT
        assert isinstance(setting, dict)
        assert setting == written
        assert list(setting) == list(written)
        assert {**setting} == dict(setting) == dict(setting.items()) == written
        assert setting | {"more": 1} == written | {"more": 1}
        assert {"api_key": "other"} | setting == {"api_key": "other"} | written
        assert setting.get("nothing", 5) == 5
        with pytest.raises(KeyError):
            setting["nothing"]
        assert setting.fromkeys(["a"]) == {"a": None}


def test_copies_share_nothing_with_the_clients() -> None:
    """A copy's nested options can be changed without touching those of a client."""
    with override_settings(AI_CLIENT=copy.deepcopy(SEVERAL)):
        client = get_ai_client("azure")
        django_settings.AI_CLIENT.copy()["azure"]["timeout"] = 3
        (django_settings.AI_CLIENT | {})["azure"]["timeout"] = 3
        assert get_ai_client("azure") is client


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("nope", False),
        ("mro", False),
        ("register", False),
        ("chat", True),
        ("responses", True),
        ("max_retries", True),
        ("webhook_secret", True),
        ("with_options", True),
    ],
)
@pytest.mark.parametrize("setting", [{}, {"timeout": "soon"}, {"client_class": "no.such.Class"}])
def test_looking_needs_no_key(
    monkeypatch: pytest.MonkeyPatch, name: str, there: bool, setting: dict[str, Any]
) -> None:
    """`hasattr` of what no client has is false, without a key and even if no client can be built."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with override_settings(AI_CLIENT={"api_key": "k"}):
        django_settings.AI_CLIENT.clear()
        django_settings.AI_CLIENT.update(setting)
        if not there:
            assert not hasattr(django_settings.AI_CLIENT, name)
            assert not hasattr(ai_client, name)
        assert {name} & set(dir(django_settings.AI_CLIENT)) == ({name} if there else set())
        assert {name} & set(dir(ai_client)) == ({name} if there else set())


class Sideways(OpenAI):
    """A client class of a project."""

    def ask(self) -> str:
        """Return an answer."""
        return "asked"


class Dynamic(OpenAI):
    """A client class with attributes that no look at it shows."""

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return f"{name} made up"


def make_sideways(**options: Any) -> Sideways:
    """Build a client."""
    return Sideways(**options)


@pytest.mark.parametrize("given", [Sideways, f"{__name__}.Sideways", make_sideways])
def test_attributes_of_another_class(given: Any) -> None:
    """The attributes are those of the configured class, or of what the configured function returns."""
    with override_settings(AI_CLIENT={"api_key": "k", "client_class": given}):
        assert django_settings.AI_CLIENT.ask() == "asked"
        assert not hasattr(django_settings.AI_CLIENT, "nope")


def test_a_class_that_makes_up_attributes() -> None:
    """A class that answers any name is asked for it."""
    with override_settings(AI_CLIENT={"api_key": "k", "client_class": Dynamic}):
        assert django_settings.AI_CLIENT.nope == "nope made up"


def test_dir_has_both() -> None:
    """`dir` lists what a dict has and what the client has."""
    with override_settings(AI_CLIENT={"api_key": "k"}):
        assert {
            "items",
            "update",
            "chat",
            "responses",
            "api_key",
            "client",
            "async_client",
            "override",
        } <= set(dir(django_settings.AI_CLIENT))
        assert {"chat", "responses", "api_key"} <= set(dir(ai_client))
        assert not is_built()


@pytest.mark.parametrize(
    "name", ["_repr_html_", "_ipython_display_", "_repr_mimebundle_", "_ipython_canary_method_x_", "__html__"]
)
def test_display_builds_no_client(name: str) -> None:
    """What notebooks and templates look up to show an object builds no client."""
    with override_settings(AI_CLIENT={"api_key": "k"}):
        assert not hasattr(django_settings.AI_CLIENT, name)
        assert not hasattr(ai_client, name)
        assert repr(ai_client)
        assert repr(django_settings.AI_CLIENT)
        assert not is_built()


@pytest.mark.parametrize("name", ["max_retries", "chat", "new", "client", "_owner"])
def test_attributes_are_not_assigned(name: str) -> None:
    """An attribute can be neither assigned nor deleted; the error says what to do, and shows no value."""
    with override_settings(AI_CLIENT={"api_key": "k", "max_retries": 2}):
        for place, of in ((django_settings.AI_CLIENT, "settings.AI_CLIENT"), (ai_client, "ai_client")):
            with pytest.raises(AttributeError, match="override_settings") as raised:
                setattr(place, name, "sk-secret")
            assert f"{of}.{name}" in str(raised.value)
            assert "settings.AI_CLIENT.override" in str(raised.value)
            assert "sk-secret" not in str(raised.value)
            with pytest.raises(AttributeError, match="override_settings"):
                delattr(place, name)
        assert get_ai_client().max_retries == 2


def test_the_dict_s_names_win(upstream_setting: Upstream) -> None:
    """Where both have a name it is the dict's, and `.client` has the client's."""
    setting = django_settings.AI_CLIENT
    assert setting.get("max_retries") == 0
    assert setting.copy() == {"base_url": upstream_setting.base_url, "api_key": "k", "max_retries": 0}
    assert isinstance(setting.client.copy(), OpenAI)
    assert setting.client.get("/models", cast_to=object)


@pytest.fixture
def upstream_setting(settings: Settings, ai_client_upstream: Upstream) -> Upstream:
    """Point the setting to an upstream."""
    settings.AI_CLIENT = {"base_url": ai_client_upstream.base_url, "api_key": "k", "max_retries": 0}
    return ai_client_upstream


CHANGES = {
    "item": lambda setting: setting.__setitem__("timeout", 5),
    "update": lambda setting: setting.update(timeout=5),
    "|=": lambda setting: setting.__ior__({"timeout": 5}),
    "pop": lambda setting: setting.pop("max_retries"),
    "del": lambda setting: setting.__delitem__("max_retries"),
    "popitem": lambda setting: setting.popitem(),
    "setdefault": lambda setting: setting.setdefault("timeout", 5),
    "nested": lambda setting: setting["default_headers"].update({"X-One": "2"}),
    "in a list": lambda setting: setting["controls"]["budgets"].append({"usd": 1, "per": "day"}),
    "bare": lambda setting: dict.update(setting, timeout=5),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("used", [False, True], ids=["before", "after"])
def test_changes_count(settings: Settings, change: Any, used: bool) -> None:
    """A changed option counts: before the first use as written, afterwards in new clients, and the old are closed."""
    given = {
        "api_key": "k",
        "default_headers": {"X-One": "1"},
        "controls": {"budgets": [{"usd": 1, "per": "hour"}]},
        "max_retries": 0,
    }
    settings.AI_CLIENT = copy.deepcopy(given)
    setting = django_settings.AI_CLIENT
    before = (get_ai_client(), get_async_ai_client()) if used else ()
    change(setting)
    client = setting.client
    assert client is get_ai_client() is setting.client
    assert setting.async_client is get_async_ai_client()
    assert client not in before
    assert all(old.is_closed() for old in before)
    expected = copy.deepcopy(given)
    change(expected)
    assert setting == expected
    assert client.timeout == expected.get("timeout", DEFAULT_TIMEOUT)
    assert client.max_retries == expected.get("max_retries", 2)
    assert client.default_headers["X-One"] == expected["default_headers"]["X-One"]
    config = handle().provider.config
    assert config.controls is not None
    assert len(config.controls["budgets"]) == len(expected["controls"]["budgets"])


def test_nothing_changed_rebuilds_nothing(settings: Settings) -> None:
    """Assigning what was there already leaves the clients as they are."""
    settings.AI_CLIENT = {"api_key": "k", "timeout": 5}
    client = get_ai_client()
    django_settings.AI_CLIENT["timeout"] = 5
    django_settings.AI_CLIENT.setdefault("api_key", "other")
    django_settings.AI_CLIENT.update({})
    assert get_ai_client() is client


def test_a_change_of_several_steps(settings: Settings) -> None:
    """Options that need each other are assigned one after the other; a change and its undoing leave usable clients."""
    settings.AI_CLIENT = {"api_key": "k"}
    client = get_ai_client()
    django_settings.AI_CLIENT["azure_endpoint"] = "https://az.test"
    django_settings.AI_CLIENT["api_version"] = "2026-01-01"
    assert type(get_ai_client()).__name__ == "AzureOpenAI"
    del django_settings.AI_CLIENT["azure_endpoint"], django_settings.AI_CLIENT["api_version"]
    assert type(get_ai_client()) is OpenAI
    assert not get_ai_client().is_closed()
    assert client.is_closed()


def test_a_faulty_change(settings: Settings) -> None:
    """A faulty change fails at the next use, named as it stands in the settings, until it is corrected."""
    settings.AI_CLIENT = {"api_key": "k"}
    _ = get_ai_client()
    django_settings.AI_CLIENT["timeoutt"] = 3
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"AI_CLIENT\['timeoutt'\]: unknown option. Did you mean"):
            get_ai_client()
    del django_settings.AI_CLIENT["timeoutt"]
    assert get_ai_client().api_key == "k"


@pytest.mark.parametrize("used", [False, True], ids=["before", "after"])
def test_changes_of_an_alias(settings: Settings, used: bool) -> None:
    """Options of one of several clients are changed in place, replaced, added and removed."""
    settings.AI_CLIENT = copy.deepcopy(SEVERAL)
    setting = django_settings.AI_CLIENT
    if used:
        _ = get_ai_client("azure")
    setting["azure"]["timeout"] = 7
    assert get_ai_client("azure").timeout == setting["azure"].client.timeout == 7
    setting["azure"]["default_headers"]["X-One"] = "2"
    assert get_ai_client("azure").default_headers["X-One"] == "2"
    setting["azure"] = {"api_key": "b"}
    assert setting["azure"].client.api_key == get_ai_client("azure").api_key == "b"
    assert setting.setdefault("local", {"api_key": "l"}).client.api_key == "l"
    setting.update({"local": {"api_key": "m"}})
    assert setting["local"].async_client.api_key == "m"
    setting |= {"local": {"api_key": "n"}}
    assert setting["local"].client is get_ai_client("local")
    del setting["local"]
    with pytest.raises(ConfigError, match="No AI client is configured under the alias 'local'"):
        get_ai_client("local")


def test_from_one_client_to_several(settings: Settings) -> None:
    """A setting of one client becomes one of several, and back."""
    settings.AI_CLIENT = {"api_key": "k"}
    setting = django_settings.AI_CLIENT
    before = setting.copy()
    setting.clear()
    setting.update(copy.deepcopy(SEVERAL))
    assert setting["azure"].client.api_key == get_ai_client("azure").api_key == "a"
    setting.clear()
    setting.update(before)
    assert get_ai_client().api_key == "k"
    assert list(handle().provider) == ["default"]


def test_monkeypatch(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """What tests use to change an entry of a dict for a while works, and is undone."""
    settings.AI_CLIENT = {"api_key": "k", "timeout": 30}
    with monkeypatch.context() as patch:
        patch.setitem(django_settings.AI_CLIENT, "timeout", 3)
        patch.delitem(django_settings.AI_CLIENT, "api_key")
        patch.setenv("OPENAI_API_KEY", "from-the-environment")
        assert (get_ai_client().timeout, get_ai_client().api_key) == (3, "from-the-environment")
    assert (get_ai_client().timeout, get_ai_client().api_key) == (30, "k")
    with unittest.mock.patch.dict(django_settings.AI_CLIENT, {"timeout": 4}):
        assert get_ai_client().timeout == 4
    assert get_ai_client().timeout == 30


def test_item_assignment_by_the_fixture_of_pytest_django(settings: Settings) -> None:
    """Items are assigned through pytest-django's `settings` as through Django's."""
    settings.AI_CLIENT = {"api_key": "k"}
    settings.AI_CLIENT["max_retries"] = 0
    assert get_ai_client().max_retries == 0


@pytest.mark.parametrize("used", [False, True], ids=["before", "after"])
def test_plain_assignment(settings: Settings, used: bool) -> None:
    """A setting that is replaced without `override_settings` gives clients of the new options, and back."""
    settings.AI_CLIENT = {"api_key": "k"}
    before = get_ai_client() if used else None
    outer = django_settings.AI_CLIENT
    setattr(django_settings, "AI_CLIENT", {"api_key": "other"})  # noqa: B010 - as a project would
    assert django_settings.AI_CLIENT.client is get_ai_client()
    assert django_settings.AI_CLIENT.chat is ai_client.chat
    assert get_ai_client().api_key == ai_client.api_key == "other"
    django_settings.AI_CLIENT = outer
    assert get_ai_client().api_key == "k"
    assert before in (None, get_ai_client())


def test_plain_patches(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Patches of the attribute of Django's settings work, and are undone."""
    settings.AI_CLIENT = {"api_key": "k"}
    with monkeypatch.context() as patch:
        patch.setattr(django_settings, "AI_CLIENT", {"api_key": "one"})
        assert django_settings.AI_CLIENT.client.api_key == get_ai_client().api_key == "one"
    assert get_ai_client().api_key == "k"
    with unittest.mock.patch.object(django_settings, "AI_CLIENT", SEVERAL):
        assert django_settings.AI_CLIENT["azure"].client.api_key == get_ai_client("azure").api_key == "a"
    assert django_settings.AI_CLIENT.client.api_key == get_ai_client().api_key == "k"


def test_without_the_setting(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Where the setting is deleted the options come from the environment, as without it from the start."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    del settings.AI_CLIENT
    assert get_ai_client().api_key == ai_client.api_key == "from-the-environment"
    assert django_settings.AI_CLIENT == {}


def test_changes_keep_a_stand_in(settings: Settings, ai_client_upstream: Upstream) -> None:
    """A changed option does not lead a test past the stand-in of its clients, which goes with its block."""
    settings.AI_CLIENT = copy.deepcopy(SEVERAL)
    setting = django_settings.AI_CLIENT
    with setting.override(ai_client_upstream) as given, setting["azure"].override("fake"):
        assert given is ai_client_upstream
        setting["default"]["timeout"] = 5
        assert str(get_ai_client().base_url).startswith(ai_client_upstream.base_url)
        assert str(get_async_ai_client().base_url).startswith(ai_client_upstream.base_url)
        assert setting["azure"].client == "fake"
        del setting["azure"]
        assert str(get_ai_client().base_url).startswith(ai_client_upstream.base_url)
    assert str(get_ai_client().base_url) == "https://api.openai.com/v1/"
    assert get_ai_client().timeout == 5


def test_attributes_of_a_stand_in(settings: Settings) -> None:
    """A stand-in answers for its own attributes, whatever its class."""
    settings.AI_CLIENT = {"api_key": "k"}
    with django_settings.AI_CLIENT.override(unittest.mock.Mock(nope=5)):
        assert django_settings.AI_CLIENT.nope == 5
        assert ai_client.nope == 5  # type: ignore[attr-defined]
    assert not hasattr(django_settings.AI_CLIENT, "nope")


def test_threads_meet_a_change(settings: Settings) -> None:
    """Threads that meet at the first use after a change get one client."""
    settings.AI_CLIENT = {"api_key": "k", "default_headers": {}}
    first = get_ai_client()
    start = threading.Barrier(16)
    found: list[Any] = []

    def use() -> None:
        start.wait()
        found.append(django_settings.AI_CLIENT.client)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        django_settings.AI_CLIENT["default_headers"]["X-One"] = "1"
        threads = [threading.Thread(target=use) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 16
    assert len(set(map(id, found))) == 1
    assert found[0] is not first


def test_close_and_with_do_not_end_the_process_s_client(settings: Settings) -> None:
    """`close` is that of the client, not the end of all clients of the setting."""
    settings.AI_CLIENT = {"api_key": "k"}
    assert django_settings.AI_CLIENT.close == get_ai_client().close
    assert isinstance(get_async_ai_client(), AsyncOpenAI)
