"""The root of the tree, and the errors of a client's own life."""


class OpenAIError(Exception):
    """Base of every error of this package."""


class ConfigError(OpenAIError, ValueError):
    """An option that is unknown, ill-typed or contradicts another."""


class ClientClosedError(OpenAIError):
    """Use of a client after it was closed, or while its application shuts down."""


class BlockingCallWarning(RuntimeWarning):
    """A call of the sync client on the thread of a running event loop."""
