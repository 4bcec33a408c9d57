"""Names of operations: those of the conventions, else a few words of the path, never an id."""

from functools import lru_cache

CHAT, COMPLETION, EMBEDDINGS, CONTENT = "chat", "text_completion", "embeddings", "generate_content"
INFERENCE = frozenset({CHAT, COMPLETION, CONTENT})
"""Operations in which a model generates."""
_BY_PATH = (
    ("/chat/completions", CHAT),
    ("/responses", CHAT),
    ("/completions", COMPLETION),
    ("/embeddings", EMBEDDINGS),
    ("/images/generations", CONTENT),
    ("/images/edits", CONTENT),
    ("/images/variations", CONTENT),
    ("/audio/speech", CONTENT),
    ("/audio/transcriptions", CONTENT),
    ("/audio/translations", CONTENT),
    ("/videos", CONTENT),
)
"""Operations by the end of the path that a request is posted to."""
APIS = {"/chat/completions": "chat_completions", "/responses": "responses"}
_WORDS = frozenset(
    """accept activate admin_api_keys alerts alpha api_keys archive assistants audio audio_speeches
    audio_transcriptions audit_logs batches calls cancel cases certificates characters chat chatkit checkpoints
    client_secrets code_interpreter_sessions compact complete completions containers content
    content_provenance_checks conversations costs data_retention deactivate decisions edits embeddings evals
    events extensions file_batches file_search_calls files fine_tuning fork generations graders groups hangup
    hosted_tool_permissions images input_items input_tokens invites items jobs live messages model_permissions
    models moderations organization output_items parts pause permissions projects rate_limits realtime refer
    reject remix responses resume roles rotate_secret run runs safety search service_accounts sessions skills
    speech spend_alerts spend_limit steps submit_tool_outputs test threads transcription_sessions transcriptions
    translations uploads usage users validate variations vector_stores versions videos voice_consents voices
    web_search_calls webhook_endpoints webhook_event_types""".split()  # noqa: SIM905 - a list of them would fill a page
)
"""Words of paths that are no ids."""


@lru_cache(maxsize=512)
def operation_of(method: str, path: str) -> str:
    """Return the name of an operation."""
    path = path.partition("?")[0].rstrip("/")
    parts = path.split("/")
    if method == "POST":
        known = next((name for end, name in _BY_PATH if path.endswith(end)), None)
        if known is not None:
            return known
        if parts[1:2] == ["vector_stores"] and parts[-1] == "search":
            return "retrieval"
        if path == "/assistants":
            return "create_agent"
        if parts[1:2] == ["threads"] and parts[-1] == "runs":
            return "invoke_agent"
    return "_".join(part for part in parts if part in _WORDS) or "call"


def api_of(operation: str, path: str) -> str | None:
    """Return the kind of OpenAI's API that an operation uses, where the conventions name it."""
    if operation != CHAT:
        return None
    return next((kind for end, kind in APIS.items() if path.partition("?")[0].endswith(end)), None)
