"""Names of the wire, of Python and of English, made into each other."""

import re


def words(name: str) -> list[str]:
    """Split a CamelCase name."""
    return re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z0-9]+|[A-Z]+|[a-z0-9]+|[^A-Za-z0-9]+", name)


def camel(text: str) -> str:
    """Give the CamelCase form of a wire name."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+|_", text))


def snake(name: str) -> str:
    """Give the module-name form of a CamelCase name."""
    return "_".join(word.lower() for word in words(name))


def singular(word: str) -> str:
    """Give the singular of an English plural, as far as the API's nouns need it."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("xes", "x")):
        if word.endswith(ending):
            return word.removesuffix(ending) + instead
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def sentence(name: str) -> str:
    """Say a class name in words."""
    parts = [word if word.isupper() and len(word) > 1 else word.lower() for word in words(name)]
    text = " ".join(parts)
    return text[:1].upper() + text[1:]


def sentence_from(name: str) -> str:
    """Say a snake_case name in words."""
    return name.replace("_", " ").capitalize()


def python_name(wire: str) -> str:
    """Give the attribute name for a wire name that is no identifier."""
    return re.sub(r"\W+", "_", wire)
