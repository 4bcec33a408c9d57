"""Attribute names of OpenTelemetry's semantic conventions for generative AI, by version."""

from collections.abc import Mapping

_PROVIDER = {"provider": "gen_ai.provider.name"}
CONVENTIONS: Mapping[str, Mapping[str, str]] = {
    "1.36": {"provider": "gen_ai.system"},
    "1.37": _PROVIDER,
    "latest": {
        **_PROVIDER,
        "api": "openai.api.type",
        "stream": "gen_ai.request.stream",
        "first_chunk": "gen_ai.response.time_to_first_chunk",
        "cached": "gen_ai.usage.cache_read.input_tokens",
        "cache_written": "gen_ai.usage.cache_creation.input_tokens",
        "reasoning": "gen_ai.usage.reasoning.output_tokens",
        "audio_input": "gen_ai.usage.audio.input_tokens",
        "audio_output": "gen_ai.usage.audio.output_tokens",
        "image_input": "gen_ai.usage.image.input_tokens",
        "first_chunk_metric": "gen_ai.client.operation.time_to_first_chunk",
    },
}
"""Names that differ by version. An attribute that a version does not define is not set. The rest is in `NAMES`."""
NAMES: Mapping[str, str] = {
    "operation": "gen_ai.operation.name",
    "request_model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "response_id": "gen_ai.response.id",
    "finish_reasons": "gen_ai.response.finish_reasons",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "token_type": "gen_ai.token.type",
    "input_messages": "gen_ai.input.messages",
    "output_messages": "gen_ai.output.messages",
    "server_address": "server.address",
    "server_port": "server.port",
    "error_type": "error.type",
}
ASKED: Mapping[str, str] = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
"""Attributes of numeric request parameters, by the parameter's name."""
OPERATIONS: Mapping[str, str] = {
    "/chat/completions": "chat",
    "/responses": "chat",
    "/completions": "text_completion",
    "/embeddings": "embeddings",
}
APIS: Mapping[str, str] = {"/chat/completions": "chat_completions", "/responses": "responses"}
PARTS = ("cached", "cache_written", "reasoning", "audio_input", "audio_output", "image_input")
"""Kinds of tokens that are reported only where the count is not zero."""
DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_CHUNKS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
