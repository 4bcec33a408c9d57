"""Names of OpenTelemetry's semantic conventions for generative AI, by version, and the names of this package's own."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Version = Literal["1.36", "1.37", "1.41", "latest"]
VERSIONS: tuple[Version, ...] = ("1.36", "1.37", "1.41", "latest")
"""Versions of the conventions, the oldest first.

Up to 1.41 they are part of OpenTelemetry's general conventions. Since then they have releases of their own; `latest` is
the first of those, 0.1.0.
"""


class Name(NamedTuple):
    """An attribute of spans or a metric.

    Attributes:
        text: Its name in the newest of the versions that define it.
        about: What it holds, and when it is set.
        since: The first version that defines it.
        older: Its name in versions before another one, by that version.
        measured: Whether metrics have the attribute too.
    """

    text: str
    about: str
    since: Version = "1.36"
    older: Mapping[Version, str] = {}
    measured: bool = False


ATTRIBUTES: tuple[Name, ...] = (
    Name("gen_ai.operation.name", "Operation, see above.", measured=True),
    Name(
        "gen_ai.provider.name",
        "Provider, by the address of the client that served the call, or whose failure was raised.",
        older={"1.37": "gen_ai.system"},
        measured=True,
    ),
    Name("server.address", "Host of that address.", measured=True),
    Name("server.port", "Port of that address.", measured=True),
    Name("gen_ai.request.model", "Model that was asked there, whatever alias named it.", measured=True),
    Name("gen_ai.request.max_tokens", "`max_completion_tokens`, `max_output_tokens` or `max_tokens`."),
    Name("gen_ai.request.temperature", "`temperature`."),
    Name("gen_ai.request.top_p", "`top_p`."),
    Name("gen_ai.request.top_k", "`top_k`, an extra parameter of other servers."),
    Name("gen_ai.request.frequency_penalty", "`frequency_penalty`."),
    Name("gen_ai.request.presence_penalty", "`presence_penalty`."),
    Name("gen_ai.request.seed", "`seed`."),
    Name("gen_ai.request.stop_sequences", "`stop`, redacted."),
    Name("gen_ai.request.choice.count", "`n`, where it is not 1."),
    Name("gen_ai.request.encoding_formats", "`encoding_format` of embeddings, where the caller set it."),
    Name("gen_ai.request.stream", "`True` for a stream.", "1.41"),
    Name(
        "gen_ai.request.reasoning.level",
        "`reasoning_effort`, or `effort` of a response's `reasoning`.",
        "latest",
    ),
    Name("gen_ai.request.previous_response.id", "`previous_response_id`.", "latest"),
    Name("gen_ai.prompt.name", "`id` of a response's `prompt`.", "latest"),
    Name("gen_ai.prompt.version", "`version` of that prompt.", "latest"),
    Name("gen_ai.conversation.id", "Conversation of a response, or thread of a run."),
    Name("gen_ai.output.type", "Requested kind of output: `text`, `json`, `image` or `speech`."),
    Name("gen_ai.embeddings.dimension.count", "Length of the vectors.", "1.41"),
    Name(
        "openai.api.type",
        "`chat_completions` or `responses`; like all of `openai.*` set for OpenAI and Azure OpenAI only.",
        "1.41",
        measured=True,
    ),
    Name(
        "openai.request.service_tier",
        "`service_tier`, where it is not `auto`.",
        older={"1.37": "gen_ai.openai.request.service_tier"},
    ),
    Name(
        "openai.response.service_tier",
        "Service tier of the answer.",
        older={"1.37": "gen_ai.openai.response.service_tier"},
        measured=True,
    ),
    Name(
        "openai.response.system_fingerprint",
        "Fingerprint of the answer.",
        older={"1.37": "gen_ai.openai.response.system_fingerprint"},
        measured=True,
    ),
    Name("gen_ai.response.id", "Id of the answer."),
    Name("gen_ai.response.model", "Model that says it answered.", measured=True),
    Name(
        "gen_ai.response.finish_reasons",
        "Reason of each choice; `error` for a choice whose reason never came.",
    ),
    Name("gen_ai.response.time_to_first_chunk", "Seconds to the first event of a stream.", "1.41"),
    Name("gen_ai.usage.input_tokens", "Input tokens, where the answer reports them."),
    Name("gen_ai.usage.output_tokens", "Output tokens, where the answer reports them."),
    Name("gen_ai.usage.cache_read.input_tokens", "Those read from the provider's cache, if any.", "1.41"),
    Name(
        "gen_ai.usage.cache_write.input_tokens",
        "Those written to it, if any.",
        "1.41",
        {"latest": "gen_ai.usage.cache_creation.input_tokens"},
    ),
    Name("gen_ai.usage.reasoning.output_tokens", "Those spent on reasoning, if any.", "1.41"),
    Name("gen_ai.usage.audio.input_tokens", "Those of audio, if any.", "1.41"),
    Name("gen_ai.usage.image.input_tokens", "Those of images, if any.", "1.41"),
    Name("gen_ai.usage.audio.output_tokens", "Those of audio, if any.", "1.41"),
    Name("gen_ai.usage.image.output_tokens", "Those of images, if any.", "1.41"),
    Name("error.type", "Class name of the error of a call that failed.", measured=True),
    Name("gen_ai.input.messages", "With `content`: messages of the request, as JSON.", "1.37"),
    Name("gen_ai.system_instructions", "With `content`: `instructions` of a response, as JSON.", "1.37"),
    Name("gen_ai.tool.definitions", "With `content`: tools of the request, as JSON.", "1.41"),
    Name("gen_ai.output.messages", "With `content`: messages of the answer, as JSON.", "1.37"),
    Name(
        "ai_client.cache",
        "With a cache: `hit`, `miss`, `shared` or `stale`. Only `miss` was sent upstream.",
        measured=True,
    ),
    Name("ai_client.target", "With fallback: the target that served the call, or whose failure was raised."),
    Name("ai_client.alias", "With fallback: the alias that named the model."),
    Name("ai_client.attempts", "Attempts made, 0 where nothing was sent."),
    Name("ai_client.usd", "Cost in USD, with `cost` or `budgets`, where the price is known."),
    Name("ai_client.endpoint", "Label of the call."),
    Name("ai_client.tenant", "Label of the call."),
    Name("ai_client.complete", "Whether a stream was read to its end."),
    Name("ai_client.first_item_seconds", "Seconds to the first item of a stream."),
    Name("ai_client.estimated.input_tokens", "Estimated tokens, where the answer reports none."),
    Name("ai_client.estimated.output_tokens", "Estimated tokens, where the answer reports none."),
)
"""Every attribute of spans and metrics that a call may have."""

DURATION = "gen_ai.client.operation.duration"
TOKENS = "gen_ai.client.token.usage"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
PER_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
COST = "ai_client.cost"
METRICS: tuple[Name, ...] = (
    Name(DURATION, "Histogram, seconds. Duration of a call, a stream to its end."),
    Name(
        TOKENS, "Histogram, tokens. Tokens that an answer reports, by `gen_ai.token.type`: `input`, `output`."
    ),
    Name(FIRST_CHUNK, "Histogram, seconds. Time to the first event of a stream.", "1.41"),
    Name(PER_CHUNK, "Histogram, seconds. Time between two events of a stream.", "1.41"),
    Name(COST, "Counter, USD. Cost of calls whose price is known."),
)
"""Every metric of the versions up to 1.41."""
RENAMED: Mapping[str, tuple[str, ...]] = {
    DURATION: (
        "gen_ai.client.inference.duration",
        "gen_ai.client.embeddings.duration",
        "gen_ai.client.operation.duration",
    ),
    TOKENS: (
        "gen_ai.client.inference.usage.input_tokens",
        "gen_ai.client.inference.usage.output_tokens",
        "gen_ai.client.inference.usage.cache_read.input_tokens",
        "gen_ai.client.inference.usage.cache_write.input_tokens",
        "gen_ai.client.inference.usage.reasoning.output_tokens",
        "gen_ai.client.inference.operation.input_tokens",
        "gen_ai.client.inference.operation.output_tokens",
        "gen_ai.client.embeddings.operation.input_tokens",
    ),
    FIRST_CHUNK: ("gen_ai.client.inference.time_to_first_chunk",),
    PER_CHUNK: ("gen_ai.client.inference.time_per_output_chunk",),
}
"""Metrics that `latest` has in the place of one: one for each kind of operation, and counters of tokens by modality."""

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
COUNTS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""Boundaries of the histograms' buckets, in all versions."""


def name_in(version: Version, name: Name) -> str | None:
    """Return how a version calls an attribute; `None` where it does not define it."""
    order = VERSIONS.index
    if order(version) < order(name.since):
        return None
    return next((old for before, old in name.older.items() if order(version) < order(before)), name.text)


def changes_of(version: Version) -> Mapping[str, str | None]:
    """Return the attributes that a version calls otherwise, or (`None`) does not define, by their newest name."""
    named = {name.text: name_in(version, name) for name in ATTRIBUTES}
    return {text: other for text, other in named.items() if other != text}
