"""Size of a prompt and of its answer, to estimate tokens."""

BYTES_PER_TOKEN = 4
"""Bytes of English or code per token, for estimates of what was used."""
WARY_BYTES_PER_TOKEN = 2
"""The same for estimates of what may be used, on the safe side for most texts."""
_ASCII = bytes(range(128))


class Size:
    """How large a prompt is, and how large its answer may be, for estimates of their tokens.

    Attributes:
        ascii, foreign: Bytes of text, in ASCII and beyond.
        counted: Likely tokens of images, sounds and files.
        spare: Tokens that these may have beyond.
        unseen: How many things of unknown size the request refers to, such as an earlier response.
        limit: The request's own limit of tokens in an answer, `None` where it has none.
        choices: How many answers it asks for.
    """

    __slots__ = ("ascii", "choices", "counted", "foreign", "limit", "spare", "unseen")

    def __init__(self) -> None:
        self.ascii = 0
        self.foreign = 0
        self.counted = 0
        self.spare = 0
        self.unseen = 0
        self.limit: int | None = None
        self.choices = 1

    def tokens(self, per_token: int = BYTES_PER_TOKEN) -> int:
        """Estimate the tokens."""
        tokens = self.counted - (-self.ascii // per_token)
        return tokens - (-self.foreign // min(per_token, 3)) if self.foreign else tokens

    def most(self, unseen_tokens: int) -> int:
        """Estimate the most tokens that it may have, *unseen_tokens* for each thing of unknown size."""
        return self.tokens(WARY_BYTES_PER_TOKEN) + self.spare + self.unseen * unseen_tokens

    def answer(self, default: int) -> int:
        """Return the most tokens that the answer may have: the request's limit, else *default*, times the choices."""
        return (default if self.limit is None else self.limit) * self.choices

    def add_text(self, text: str) -> None:
        """Add a text."""
        if text.isascii():
            self.ascii += len(text)
        else:
            self.add_bytes(text.encode("utf-8", "replace"))

    def add_bytes(self, text: bytes) -> None:
        """Add an encoded text."""
        if not text.isascii():
            foreign = len(text.translate(None, _ASCII))
            self.foreign += foreign
            self.ascii -= foreign
        self.ascii += len(text)

    def add_media(self, likely: int, most: int) -> None:
        """Add an image, a sound or a file by its *likely* tokens and the *most* that it may have."""
        self.counted += likely
        self.spare += max(0, most - likely)
