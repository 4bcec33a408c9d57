"""Costs by a tariff: what the genai-prices library calculates, for every model, time, context and kind of usage."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, localcontext
from itertools import chain
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import genai_prices
import pytest
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider

from ai_client.control import Prices, Usage
from ai_client.control.pricing.tariff import Tariff
from ai_client.control.pricing.terms import Terms
from ai_client.control.pricing.units import is_plain, units_of
from ai_client.stores.base import MOST
from tests.support.policies import finish, sync_io

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SHAPES: tuple[Mapping[str, int], ...] = (
    {"output": 1},
    {"output": 3},
    {"output": 3, "cached": 1},
    {"output": 2, "cached": 2, "cache_written": 1},
    {"output": 2, "reasoning": 1},
    {"output": 2, "reasoning": 1, "citations": 1},
    {"output": 1, "web_searches": 2, "file_searches": 1, "code_runs": 3},
    {"output": 2, "cached": 1, "cached_audio": 1, "audio_input": 2, "audio_output": 1},
    {"output": 2, "cached": 2, "cached_image": 1, "image_input": 1, "image_output": 2},
    {"output": 1, "characters": 5},
    {"output": 1, "seconds": 1},
)
"""Kinds of usage, by how much of them there is in proportion to each other."""


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """Load the library."""
    finish(Prices().ready(sync_io()))


def constraints_of(model: Any) -> list[Any]:
    """Return what decides when prices of a model apply."""
    prices: Any = [] if hasattr(model.prices, "calc_price") else model.prices
    found = [one.constraint for one in (*prices, *(model.price_variants or ()))]
    return [one for one in found if one is not None]


def moments_of(model: Any) -> set[datetime]:
    """Return moments on both sides of each at which prices of a model change."""
    moments = {NOON}
    for one in constraints_of(model):
        if hasattr(one, "start_date"):
            edges = [datetime.combine(one.start_date, time(), UTC)]
        else:
            day = date(2026, 11, 20)
            edges = [datetime.combine(day, at, at.tzinfo or UTC) for at in (one.start_time, one.end_time)]
        moments.update(chain.from_iterable((edge - SECOND, edge, edge + SECOND) for edge in edges))
    return moments


def lengths_of(model: Any) -> set[int]:
    """Return lengths of prompts on both sides of each at which prices of a model change."""
    single = hasattr(model.prices, "calc_price")
    prices: list[Any] = [model.prices] if single else [one.prices for one in model.prices]
    prices += [one.prices for one in model.price_variants or ()]
    each: list[Any] = [price for one in prices for price in cast("dict[str, Any]", vars(one)).values()]
    starts: set[int] = {tier.start for price in each for tier in getattr(price, "tiers", ())}
    return {0, 1, 999, MOST, *starts, *(start + 1 for start in starts), *(start + 77_777 for start in starts)}


def terms_for(model: Any, provider: str, moment: datetime, random: Random) -> Terms:
    """Return terms of a call on which one of a model's variants may apply."""
    terms = Terms(provider=provider, at=moment.timestamp())
    variants = model.price_variants or ()
    when: dict[str, str] = dict(random.choice([{}, *(one.when for one in variants)]))
    processing = when.pop("processing", None)
    tier = processing or when.pop("service_tier", random.choice([None, "unheard-of"]))
    return terms._replace(service_tier=tier, options=tuple(when.items()))


def usage_of(length: int, random: Random) -> Usage:
    """Return a usage of a random kind with a prompt of so many tokens."""
    shape = random.choice(SHAPES)
    unit = random.choice((0, 1, 7, 1_234_567, max(1, length // 4)))
    parts: Any = {name: unit * count for name, count in shape.items()}
    return Usage("reported", length, **parts)


def theirs(model: Any, provider: Any, usage: Usage, terms: Terms) -> int | None:
    """Return what the library calculates in nano-USD; `None` where it cannot, or nothing that was used has a price."""
    units = units_of(usage)
    none = dict.fromkeys(("cache_read_tokens", "cache_write_tokens", "web_searches", "storage_searches"), 0)
    try:
        with localcontext(Context(prec=50)):
            found: Any = model.calc_price(
                genai_prices.Usage(**{**none, **units}),
                provider,
                genai_request_timestamp=datetime.fromtimestamp(terms.at or 0, UTC),
                price_context=terms.context(terms.service_tier) or None,
            )
            cost = min(round(found.total_price * 10**9), MOST)
    except ValueError:
        return None
    if cost:
        return cost
    given = cast("dict[str, Any]", vars(found.model_price))
    prices = {name for name, price in given.items() if price is not None}
    is_free = not prices or "requests_kcount" in prices
    return 0 if is_free or any(count and has_price(unit, prices) for unit, count in units.items()) else None


def has_price(unit: str, prices: set[str]) -> bool:
    """Return whether a unit is among those that have prices, by the library's own names."""
    from genai_prices.data_units import unit_data

    return unit in unit_data and unit_data[unit]["price_key"] in prices


def questions(random: Random) -> Iterator[tuple[Any, Any, Usage, Terms]]:
    """Yield models, their providers, usages and terms of calls."""
    for provider in get_snapshot().providers:
        for model in provider.models:
            if provider.find_model(model.id, all_providers=get_snapshot().providers) is not model:
                continue
            for moment in sorted(moments_of(model)):
                for length in sorted(lengths_of(model)):
                    terms = terms_for(model, provider.id, moment, random)
                    yield model, provider, usage_of(length, random), terms


def test_a_tariff_is_exactly_what_the_library_calculates() -> None:
    """Around each time, length and context at which a model's prices change, a usage costs what the library says."""
    prices, count = Prices(), 0
    wrong: list[Any] = []
    for model, provider, usage, terms in questions(Random(7)):
        count += 1
        ours = prices.nano_usd(usage, model.id, terms=terms)
        expected = theirs(model, provider, usage, terms)
        if ours != expected:
            wrong.append((provider.id, model.id, terms, usage, ours, expected))
    assert count > 10_000
    assert not wrong


WITHOUT_UNITS = {"source", "input", "output", "model", "service_tier", "nano_usd", "answers", "images"}
OF_CACHED = {"cached_audio", "cached_image"}


@pytest.mark.parametrize(
    "name", [one.name for one in fields(Usage) if one.name not in WITHOUT_UNITS | OF_CACHED]
)
def test_a_usage_with_any_part_is_no_plain_one(name: str) -> None:
    """Whatever an answer reports beside tokens in and out is priced by its own units."""
    assert is_plain(Usage("reported", 10, 10))
    part: Any = {name: 1}
    usage = Usage("reported", 10, 10, **part)
    assert not is_plain(usage)
    assert len(units_of(usage)) > len(units_of(Usage("reported", 10, 10)))


class Counting:
    """A stand-in for the library's calculation: a function of the tokens in, and how often it was asked.

    Args:
        cost: Returns USD for so many tokens in.
        prices: The names of the model's prices.
    """

    def __init__(self, cost: Callable[[int], Decimal], **prices: Any) -> None:
        self.cost = cost
        self.prices = SimpleNamespace(**{"input_mtok": Decimal(1), **prices})
        self.asked = 0

    def __call__(self, units: Mapping[str, float]) -> Any:
        """Return a calculation."""
        self.asked += 1
        return SimpleNamespace(total_price=self.cost(int(units["input_tokens"])), model_price=self.prices)


def test_the_library_is_asked_a_few_times_for_any_number_of_usages() -> None:
    """What one more of a kind costs is asked once; each usage after that is priced without the library."""
    library = Counting(lambda tokens: Decimal(tokens) / 8_000_000)
    tariff = Tariff(library)
    costs = [tariff.nano_usd({"input_tokens": count, "output_tokens": 0}) for count in range(1, 1000)]
    assert costs == [count * 125 for count in range(1, 1000)]
    assert library.asked < 10


@pytest.mark.parametrize("start", [0, 1, 2, 50])
def test_a_length_from_which_on_all_is_dearer(start: int) -> None:
    """A price changes exactly beyond the length at which the library says so, however short that is."""
    tier = SimpleNamespace(start=start, price=Decimal(3))
    price = SimpleNamespace(base=Decimal(1), tiers=[tier])
    library = Counting(lambda count: Decimal(count) / 10**6 * (3 if count > start else 1), input_mtok=price)
    tariff = Tariff(library)
    for count in (*range(1, start + 3), 1000):
        assert tariff.nano_usd({"input_tokens": count}) == count * (3000 if count > start else 1000)


def test_a_calculation_that_is_not_in_proportion_is_made_for_each_usage() -> None:
    """Where the library charges a least amount, or anything else out of proportion, its own figure counts."""
    library = Counting(lambda tokens: max(Decimal(1), Decimal(tokens) / 1000))
    tariff = Tariff(library)
    for count in (1, 999, 1001, 500_000):
        assert tariff.nano_usd({"input_tokens": count}) == max(10**9, count * 10**6)


def test_halves_are_rounded_as_the_library_rounds_them() -> None:
    """Half a nano-USD is rounded to the even one, as `round` does with the library's figure."""
    tariff = Tariff(Counting(lambda tokens: Decimal(tokens) / 2 / 10**9))
    costs = [tariff.nano_usd({"input_tokens": count}) for count in range(1, 6)]
    assert costs == [round(Decimal(count) / 2) for count in range(1, 6)]


class Metered(ModelPrice):
    """Prices of an application's own class: a fee for each answer beyond a length."""

    def calc_price(self, usage: Any) -> Any:
        """Return what the library calculates, and the fee."""
        price = super().calc_price(usage)
        fee = Decimal(1) if usage.output_tokens > 1000 else Decimal(0)
        return {**price, "total_price": price["total_price"] + fee}


class Dated(ModelInfo):
    """A model of an application's own class: dearer in the second half of each minute."""

    def get_prices(self, request_timestamp: datetime, price_context: Any = None) -> ModelPrice:
        """Return the prices of a moment."""
        del price_context
        return ModelPrice(
            input_mtok=Decimal(1), output_mtok=Decimal(9 if request_timestamp.second >= 30 else 2)
        )


@pytest.fixture
def _of_applications() -> Iterator[None]:
    """Have the library use models of classes that an application derived."""
    prices = Metered(input_mtok=Decimal(1), output_mtok=Decimal(2))
    models = [
        ModelInfo(id="metered", match=ClauseEquals(equals="metered"), prices=prices),
        Dated(id="dated", match=ClauseEquals(equals="dated"), prices=prices),
    ]
    own = Provider(id="openai", name="Own", api_pattern="https://api\\.openai\\.com", models=models)
    set_custom_snapshot(DataSnapshot(providers=[own], from_auto_update=False))
    yield
    set_custom_snapshot(None)


@pytest.mark.usefixtures("_of_applications")
def test_classes_of_an_application_calculate_for_each_usage() -> None:
    """Where prices or models are of a class that an application derived, its figure counts for each usage and time."""
    prices = Prices()
    for output in (1, 1000, 1001, 5000):
        fee = 10**9 if output > 1000 else 0
        used = Usage("reported", 10, output)
        assert prices.nano_usd(used, "metered") == prices.most_nano_usd(used, Terms("metered"))
        assert prices.nano_usd(used, "metered") == 10_000 + output * 2000 + fee
    minute = NOON.timestamp()
    for at, price in ((minute, 2000), (minute + 30, 9000), (minute + 60, 2000)):
        assert prices.nano_usd(Usage("reported", 0, 5), "dated", terms=Terms(at=at)) == 5 * price
