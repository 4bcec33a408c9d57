"""The base of all errors, and errors of a client's configuration and lifecycle."""

from collections.abc import Sequence


class OpenAIError(Exception):
    """Base class of all errors of this package.

    Attributes:
        failures: What came of the other targets of a fallback chain, in order: the name of each and its error.
    """

    failures: Sequence["tuple[str, OpenAIError]"] = ()


class ConfigError(OpenAIError, ValueError):
    """An option that is unknown, ill-typed or contradicts another.

    Attributes:
        faults: What is wrong, one text for each fault; the message is all of them.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


class UnknownPriceError(ConfigError):
    """A call that a hard budget in USD cannot count, as the price of its model is unknown. It was not sent."""


class ClientClosedError(OpenAIError):
    """A client was used after it was closed, or while its application shuts down."""


class BlockingCallWarning(RuntimeWarning):
    """A call of the sync client on the thread of a running event loop, which it blocks."""
