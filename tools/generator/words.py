"""Conversion between names in the API, in Python and in English."""

import re


def words(name: str) -> list[str]:
    """Split a CamelCase name."""
    return re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z0-9]+|[A-Z]+|[a-z0-9]+|[^A-Za-z0-9]+", name)


def camel(text: str) -> str:
    """Return the CamelCase form of a name in the API."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+|_", text))


def snake(name: str) -> str:
    """Return the snake_case form of a CamelCase name."""
    return "_".join(word.lower() for word in words(name))


def singular(word: str) -> str:
    """Return the singular of an English plural, as far as the API's nouns need it."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("xes", "x")):
        if word.endswith(ending):
            return word.removesuffix(ending) + instead
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def sentence(name: str) -> str:
    """Return a class name in words."""
    parts = [word if word.isupper() and len(word) > 1 else word.lower() for word in words(name)]
    text = " ".join(parts)
    return text[:1].upper() + text[1:]


def python_name(wire: str) -> str:
    """Return an attribute name for a name in the API that is not an identifier."""
    return re.sub(r"\W+", "_", wire)
