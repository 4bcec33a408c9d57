"""The base of all errors, and errors of a client's configuration and lifecycle."""


class OpenAIError(Exception):
    """Base class of all errors of this package."""


class ConfigError(OpenAIError, ValueError):
    """An option that is unknown, ill-typed or contradicts another."""


class ClientClosedError(OpenAIError):
    """A client was used after it was closed, or while its application shuts down."""


class BlockingCallWarning(RuntimeWarning):
    """A call of the sync client on the thread of a running event loop, which it blocks."""
