"""Options of clients as keywords: the same as in a mapping, for providers and for each framework."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import flask
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ai_client import ClientConfig, ClientOptions, ClientProvider, ConfigError
from ai_client.adapter import Settings
from ai_client_fastapi import ai_client_lifespan, ai_client_router
from ai_client_flask import AIClient

KEY = "sk-verysecret"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the environment a key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def plain(kind: Any) -> Any:
    """Return a type without what validates its values."""
    if get_origin(kind) is Annotated:
        return plain(get_args(kind)[0])
    if get_origin(kind) in {None, Callable, Mapping, Sequence, Literal} or not get_args(kind):
        return kind
    parts = [plain(part) for part in get_args(kind)]
    united = parts[0]
    for part in parts[1:]:
        united = united | part
    return united


def test_keywords_are_the_options() -> None:
    """The keywords that editors and type checkers know are the options, with their types."""
    options = {name: plain(field.annotation) for name, field in ClientConfig.model_fields.items()}
    assert get_type_hints(ClientOptions) == options


def test_provider() -> None:
    """A provider takes options as keywords, over those of a mapping or a configuration."""
    assert ClientProvider(timeout=30).config.timeout == 30
    assert ClientProvider({"timeout": 3, "max_retries": 7}, timeout=30).config.max_retries == 7
    assert ClientProvider({"timeout": 3}, timeout=30).config.timeout == 30
    provider = ClientProvider(ClientConfig(timeout=3), aliases={"eu": {"timeout": 5}}, deadline=9)
    assert (provider.config.timeout, provider.config.deadline) == (3, 9)
    assert (provider["eu"].config.timeout, provider["eu"].config.deadline) == (5, None)


def test_provider_rejects_what_is_no_option() -> None:
    """A keyword that is no option, or has an impossible value, fails with its name and the nearest one."""
    with pytest.raises(ConfigError, match=r"timeot: unknown option. Did you mean 'timeout'\?"):
        ClientProvider(timeot=30)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    with pytest.raises(ConfigError, match=r"max_retries: "):
        ClientProvider(max_retries=-1)
    with pytest.raises(ConfigError, match=r"configured twice: by keywords and in aliases"):
        ClientProvider(aliases={"default": {}}, timeout=3)


@pytest.mark.parametrize("way", ["lifespan", "router"])
def test_fastapi(way: str) -> None:
    """The lifespan, and the router that carries it, take options as keywords."""
    aliases = {"eu": {"timeout": 5}}
    if way == "lifespan":
        app = FastAPI(lifespan=ai_client_lifespan(timeout=30, max_retries=1, aliases=aliases))
    else:
        app = FastAPI()
        app.include_router(ai_client_router(timeout=30, max_retries=1, aliases=aliases))
    with TestClient(app):
        provider: ClientProvider = app.state.ai_client
        assert (provider.config.timeout, provider.config.max_retries) == (30, 1)
        assert provider["eu"].config.timeout == 5


@pytest.mark.parametrize("more", [{"timeout": 30}, {"aliases": {"eu": {}}}], ids=["options", "aliases"])
def test_fastapi_of_a_provider(more: dict[str, Any]) -> None:
    """Options beside a provider, which has its own, are no silent loss."""
    provider = ClientProvider()
    with pytest.raises(ConfigError, match=f"^{next(iter(more))}: a provider has its options already"):
        ai_client_lifespan(provider, **more)


def test_fastapi_of_a_lifespan_that_is_not_called() -> None:
    """A lifespan that an application is given without its parentheses fails with what to write."""
    app = FastAPI(lifespan=ai_client_lifespan)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match=r"FastAPI.*lifespan=ai_client_lifespan\(\)"), TestClient(app):
        pass


@pytest.mark.parametrize(
    "options",
    [{"credentials_by": "tenant"}, {"controls": {"guardrails": {"allowed_models": "gpt-5.4-mini"}}}],
    ids=["option", "control"],
)
def test_text_for_a_list(options: dict[str, Any]) -> None:
    """Text in the place of a list fails with what is expected."""
    with pytest.raises(ConfigError, match=r"(credentials_by|allowed_models): a list is expected, not text\."):
        ClientProvider(options)


def test_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app's configuration beats the extension's keywords, and they beat the environment."""
    monkeypatch.setenv("AI_CLIENT_TIMEOUT", "1")
    monkeypatch.setenv("AI_CLIENT_MAX_RETRIES", "1")
    monkeypatch.setenv("AI_CLIENT_DEADLINE", "1")
    app = flask.Flask("app")
    app.config["AI_CLIENT_TIMEOUT"] = 3
    app.config["AI_CLIENT_CLIENTS"] = {"eu": {"timeout": 3}}
    ext = AIClient(app, timeout=2, max_retries=2, aliases={"eu": {"timeout": 2, "max_retries": 2}, "us": {}})
    with app.app_context():
        config, eu = ext.provider.config, ext["eu"].config
        assert (config.timeout, config.max_retries, config.deadline) == (3, 2, 1)
        assert (eu.timeout, eu.max_retries) == (3, 2)
        assert list(ext.provider) == ["default", "eu", "us"]


def test_flask_of_several_apps() -> None:
    """Each app that an extension is registered with has its keywords, under its own configuration."""
    ext = AIClient(timeout=2, max_retries=2)
    one, other = flask.Flask("one"), flask.Flask("other")
    other.config["AI_CLIENT_TIMEOUT"] = 3
    for app, timeout in ((one, 2), (other, 3)):
        ext.init_app(app)
        with app.app_context():
            assert (ext.provider.config.timeout, ext.provider.config.max_retries) == (timeout, 2)


def test_flask_keeps_its_keywords() -> None:
    """A dict that is changed after the extension took it changes no client."""
    controls: dict[str, Any] = {"cost": True}
    ext = AIClient(app := flask.Flask("app"), controls=controls)
    controls["cost"] = "nonsense"
    with app.app_context():
        assert ext.provider.config.controls == {"cost": True}


@pytest.mark.parametrize(
    ("keywords", "config", "message"),
    [
        ({"timeot": 3}, {}, r"timeot=: unknown option\. Did you mean timeout=\?"),
        (
            {"timeot": 3},
            {"AI_CLIENT_DEADLINE": 9},
            r"timeot=: unknown option\. Did you mean AI_CLIENT_TIMEOUT\?",
        ),
        ({"max_retries": -1}, {}, r"max_retries=: "),
        ({"max_retries": 1}, {"AI_CLIENT_MAX_RETRIES": -1}, r"AI_CLIENT_MAX_RETRIES: "),
        ({"aliases": {"eu": {"max_retries": -1}}}, {}, r"aliases\['eu'\]\['max_retries'\]: "),
        ({"aliases": {"default": {}}}, {}, r"aliases is for further clients"),
    ],
)
def test_flask_rejects(keywords: dict[str, Any], config: dict[str, Any], message: str) -> None:
    """An impossible option fails as the app is registered, named as it was written."""
    app = flask.Flask("app")
    app.config.update(config)
    with pytest.raises(ConfigError, match=message):
        AIClient(app, **keywords)


ALIASES_THAT_ARE_NONE = [["eu"], "eu", 3, {"eu": 3}, {"eu": None}, {"eu": ["timeout"]}]


@pytest.mark.parametrize("aliases", ALIASES_THAT_ARE_NONE, ids=str)
def test_aliases_that_are_none(aliases: Any) -> None:
    """Aliases that do not map names to options fail wherever they are given, by their name."""
    place = r"aliases\['eu'\]" if isinstance(aliases, dict) else "aliases"
    message = f"^{place} must be .*mapping"
    with pytest.raises(ConfigError, match=message):
        ClientProvider(aliases=aliases)
    with (
        pytest.raises(ConfigError, match=message),
        TestClient(FastAPI(lifespan=ai_client_lifespan(aliases=aliases))),
    ):
        pass
    with pytest.raises(ConfigError, match=message):
        AIClient(flask.Flask("app"), aliases=aliases)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TIMEOUT", "timeout"),
        ("Max_Retries", "max_retries"),
        ("maxRetries", "max_retries"),
        ("url", "base_url"),
        ("KEY", "api_key"),
        ("endpoint", "azure_endpoint"),
        ("CONTROLS", "controls"),
    ],
)
def test_nearest_option(name: str, meant: str) -> None:
    """The nearest option is suggested whatever the case of a name, and for the last word of one."""
    message = rf"{name}: unknown option\. Did you mean '{meant}'\?"
    with pytest.raises(ConfigError, match=message):
        ClientProvider({name: 3})
    with pytest.raises(ConfigError, match=rf"Did you mean AI_CLIENT\['{meant}'\]\?"):
        Settings.from_mapping({name: {} if meant == "controls" else 3}).make_configs()


@pytest.mark.parametrize("name", ["cookies", "event_hooks", "auth"])
def test_no_option_is_near(name: str) -> None:
    """An option that means something else is not suggested."""
    with pytest.raises(ConfigError, match=rf"^{name}: unknown option\.$"):
        ClientProvider({name: "x"})


@pytest.mark.parametrize("name", ["BUDGETS", "Budgets", "budget"])
def test_nearest_control(name: str) -> None:
    """The nearest control is suggested whatever the case of a name."""
    with pytest.raises(ConfigError, match=rf"{name}: unknown option\. Did you mean 'budgets'\?"):
        ClientProvider(controls={name: []})


def test_flask_doctor() -> None:
    """The doctor of an app's command reports the keywords too."""
    app = flask.Flask("app")
    AIClient(app, timeout=2.5)
    result = app.test_cli_runner().invoke(args=["ai-client", "doctor", "--offline"])
    assert "2.5" in result.output
    assert result.exit_code == 0


def test_settings_of_an_adapter() -> None:
    """An adapter's own extension passes its keywords on in the same way."""
    settings = Settings.from_keys(
        {"AI_CLIENT_TIMEOUT": 3}, keywords={"default": {"timeout": 2, "max_retries": 2}}
    )
    assert settings.clients == {"default": {"timeout": 3, "max_retries": 2}}


def test_signatures_name_no_option_twice() -> None:
    """No option of clients has the name of another keyword of what takes them."""
    for function in (ClientProvider, ai_client_lifespan, ai_client_router, AIClient):
        assert not ClientConfig.model_fields.keys() & inspect.signature(function).parameters.keys()
