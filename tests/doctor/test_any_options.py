"""The doctor never raises, whatever the options are."""

from typing import Any
from unittest.mock import patch

from hypothesis import given, settings, strategies as st

from ai_client.config import ClientConfig
from ai_client.doctor import Subject, as_json, examination, examine_all, lines_of

IMPORTS = {
    "client_class",
    "async_client_class",
    "credentials",
    "workload_identity",
    "http_client",
    "async_http_client",
    "warm",
}
"""Options whose text is imported."""
NAMES = [*sorted(ClientConfig.model_fields.keys() - IMPORTS), "timeot", "", 3]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.builds(object),
    st.just(lambda: "key"),
    st.sampled_from(
        ["http://[::1", "https://u:p@h:99999/", "redis://:p@", "sqlite:////proc/none/x", "\ud800", "\0"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.text(max_size=5), st.sampled_from(["store", "models", "fallback"])),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=40)
@given(options=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_nothing_is_raised(options: dict[Any, Any]) -> None:
    """Options of any names and values are reported, and raise nothing."""
    check(options)


def test_options_that_contain_themselves() -> None:
    """Options that contain themselves raise nothing either."""
    cyclic: dict[str, Any] = {"default_headers": {}, "timeout": 3}
    cyclic["default_query"] = cyclic["controls"] = cyclic
    check(cyclic)


def check(options: dict[Any, Any]) -> None:
    """Assert that there is a report."""
    with patch.object(examination, "examine_versions", lambda: iter(())):  # the same each time, and slow
        found = list(examine_all(Subject({"default": options}), offline=True))
    assert as_json(found)
    assert list(lines_of(found))
    assert not any("examination itself" in check.message for check in found)
