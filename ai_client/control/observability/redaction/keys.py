"""Credentials in text, recognized by the format of their issuer or by the name in front of them."""

import re
from base64 import urlsafe_b64decode
from binascii import Error

from pydantic_core import from_json

from ....errors import members_of
from .masking import MASK, Rule, Span

_WORDS = re.compile(r"[a-z]{2,}+(?:[\-_](?:[a-z]{2,}+|v\d{1,3}|(?:19|20)\d\d))+")
_RANDOM = re.compile(
    r"(?=[A-Za-z]*+\d)(?=\d*+[A-Za-z])[A-Za-z0-9]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_NO_KEYS = ("sk-learn", "sk-image")
_END = r"(?![A-Za-z0-9])"
_SHORTEST_VALUE = 8
_SHORTEST_WORD = 3

_FORMS = (
    r"github_pat_[A-Za-z0-9]{16,}[A-Za-z0-9_]*",
    r"gh[opusr]_[A-Za-z0-9]{16,}",
    r"gl(?:pat|dt|rtr?|ptt|cbt|ft|soat|imt|agent|wt|oas|ffct)-[A-Za-z0-9_\-]{16,}",
    rf"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{{16,}}{_END}",
    r"AIza[A-Za-z0-9_\-]{20,}",
    r"GOCSPX-[A-Za-z0-9_\-]{20,}",
    r"ya29\.[A-Za-z0-9_\-.]{10,}",
    r"xox[a-z]-[A-Za-z0-9\-]{10,}",
    r"xox[a-z]\.xox[a-z]-[A-Za-z0-9\-]{10,}",
    r"xapp-[A-Za-z0-9\-]{10,}",
    r"[rsp]k_(?:live|test|prod)_[A-Za-z0-9]{10,}",
    r"whsec_[A-Za-z0-9+/_\-]{16,}=*",
    r"hf_[A-Za-z0-9]{16,}",
    r"gsk_[A-Za-z0-9]{16,}",
    r"ek_[A-Za-z0-9]{20,}",
    r"(?:xai|pplx)-[A-Za-z0-9]{20,}",
    r"(?:nvapi|tvly|sq0[a-z]{3})-[A-Za-z0-9_\-]{20,}",
    r"r8_[A-Za-z0-9]{30,}",
    r"npm_[A-Za-z0-9]{16,}",
    r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}",
    r"do[opr]_v1_[A-Za-z0-9]{20,}",
    r"shp(?:at|ca|pa|ss)_[A-Za-z0-9]{20,}",
    r"dckr_pat_[A-Za-z0-9_\-]{20,}",
    r"hv[sbr]\.[A-Za-z0-9_\-]{20,}",
    r"lsv2_[a-z]{2}_[a-f0-9]{32}_[a-f0-9]{10}",
    r"gl(?:c|sa)_[A-Za-z0-9_]{30,}=*",
    r"dapi[a-f0-9]{32}",
    r"NRAK-[A-Z0-9]{20,}",
    r"ATATT3[A-Za-z0-9_\-=]{20,}",
    r"lin_api_[A-Za-z0-9]{30,}",
    r"(?:ntn|rubygems|sntrys)_[A-Za-z0-9_\-=]{30,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
    r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,}",
    r"SK[0-9a-f]{32}" + _END,
)
_NAMES = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|credentials?"
    r"|(?:api|secret|access|private|account|subscription|encryption|signing|master|service|license)[_\-]?key"
    r"|sharedaccess(?:key|signature)|secret[_\-]?access[_\-]?key"
    r"|(?:access|refresh|id|auth|bearer|session|api|security|csrf|xsrf|oauth|user|bot|private|deploy|secret)[_\-]?token"
    r"|(?<![\w\-])token|(?<=[?&])(?:key|sig|signature|auth|code|x-amz-(?:signature|credential|security-token))"
)
_GAP = r"[^\S\r\n]{0,4}"
_HINTS_OF_NAMES = (
    *("pass", "pwd", "secret", "credential", "key", "token", "sharedaccess"),
    *("?sig", "&sig", "?auth", "&auth", "?code", "&code", "x-amz-sig"),
)
_NO_PASSWORDS = re.compile(
    r"(?i:none|null|true|false|undefined|str|string|optional|required|invalid|missing|incorrect|wrong|expired|empty|unset"
    r"|changed|unchanged|reset|hidden|masked|redacted|okay|enter|please|must|should|cannot|text|bytes)[).:]*"
)
_CALL = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\([^()\r\n]{0,200}\)|[A-Za-z_]+\((?:\)|[\"'])")
"""A value that is a call in code, whose result is not in the text."""


def _token(match: re.Match[str]) -> Span | None:
    """Skip hyphenated words that only look like a key."""
    tail = match["tail"]
    if match["kind"] == "sk" and not match[0].startswith(_NO_KEYS):
        return None if _WORDS.fullmatch(tail) else match.span()
    return match.span() if _RANDOM.search(tail) else None


def _jwt(match: re.Match[str]) -> Span | None:
    """Match a JWT: its header is a JSON object with an algorithm or type, or its payload is a JSON object."""
    head = match["head"]
    try:
        members = members_of(from_json(urlsafe_b64decode(head + "=" * (-len(head) % 4))))
    except (Error, ValueError):
        members = {}
    return (
        match.span()
        if members.keys() & {"alg", "typ", "enc", "kid"} or match["body"].startswith("eyJ")
        else None
    )


def _value(match: re.Match[str]) -> Span:
    return match.span("value")


def _authorization(match: re.Match[str]) -> Span | None:
    """Skip a single plain word after the header's name."""
    value = match["value"]
    return match.span("value") if " " in value or _is_random(value) else None


def _scheme(match: re.Match[str]) -> Span | None:
    """Skip `bearer` and `basic` where a plain word or an HTTP version follows."""
    value = match["value"]
    mixed = any(char.isdigit() for char in value) or value.endswith("=") or _is_mixed(value)
    return match.span() if mixed and len(value) >= _SHORTEST_VALUE and not value.startswith("HTTP/") else None


def _is_stand_in(value: str) -> bool:
    """Return whether a value is a mask, a variable, or a word about what would stand there."""
    if value in {"$", "%"} or value.startswith((MASK, "[redact", "${", "{{", "$(", "<", "***", "%(")):
        return True
    return (
        value.startswith(("os.", "process.env"))
        or _NO_PASSWORDS.fullmatch(value) is not None
        or not value.strip(".…")
    )


def _assigned(match: re.Match[str]) -> Span | None:
    """Match the value assigned to a secret's name, unless it is a placeholder, a type or a description."""
    group = "quoted" if match["quoted"] is not None else "plain"
    value, span = match[group], match.span(group)
    if _is_stand_in(value) or value == match["name"]:
        return None
    if (group == "plain" and _CALL.match(match.string, span[0])) or (
        match["name"].lower() == "pwd" and value.startswith(("/", "~"))
    ):
        return None
    if group == "quoted" or match["sign"] == "=":
        is_key = match["name"].lower().endswith(("key", "token"))
        return None if is_key and value.isdecimal() and len(value) < _SHORTEST_VALUE else span
    if _is_random(value, shortest=4):
        return span
    is_last = match.string[match.end() : match.end() + 1] in {
        "",
        "\r",
        "\n",
        ",",
        ";",
        "}",
    }  # not followed by more prose
    is_password = match["name"].lower().startswith(("pass", "pwd")) and len(value) > _SHORTEST_WORD
    return span if is_last and is_password else None


def _is_random(value: str, shortest: int = _SHORTEST_VALUE) -> bool:
    """Return whether a value is not a plain word: it has a digit, punctuation or mixed case."""
    value = value.rstrip(".,;:!?)")
    if len(value) < shortest:
        return False
    return not value.isalpha() or _is_mixed(value)


def _is_mixed(value: str) -> bool:
    """Return whether a value has capitals where prose has none."""
    return value != value.lower() and not value.istitle() and not value.isupper()


KEYS: tuple[Rule, ...] = (
    Rule(
        ("private key",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^\-]++|-(?!----END ))*+(?:-----END [A-Z0-9 ]{0,60}-----)?"
        ),
    ),
    Rule(
        ("eyj",),
        re.compile(
            r"(?<![A-Za-z0-9_\-])(?P<head>eyJ[A-Za-z0-9_\-]++)\.(?P<body>[A-Za-z0-9_\-]*+)\.[A-Za-z0-9_\-]*+"
            r"(?:\.[A-Za-z0-9_\-]*+){0,2}"
        ),
        _jwt,
    ),
    Rule(
        ("sk-", "pk-", "rk-", "sess-", "org-", "ek-", "pa-", "pypi-", "key-"),
        re.compile(
            r"(?<![A-Za-z0-9_])(?P<kind>sk|pk|rk|sess|org|ek|pa|pypi|key)-(?P<tail>[A-Za-z0-9_\-]{8,}+)"
        ),
        _token,
    ),
    Rule((), re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_FORMS)})")),
    Rule(
        ("authorization",),
        re.compile(
            r"(?i:authorization)[\\\"']{0,3}\s{0,4}[:=]\s{0,4}[\\\"']{0,3}"
            r"(?P<value>(?:(?i:bearer|basic|digest|negotiate|token|apikey|aws4-hmac-sha256)\s+)?[^\s\"'\\,;\[\]]{4,}+)"
        ),
        _authorization,
    ),
    Rule(
        ("bearer", "basic"),
        re.compile(r"\b(?i:bearer|basic)\s{1,4}(?P<value>[A-Za-z0-9._~+/\-]{4,}+=*)"),
        _scheme,
    ),
    Rule(
        ("cookie",),
        re.compile(
            r"(?i:cookie)[\"']{0,2}\s{0,4}[:=]\s{0,4}[\"']{0,2}(?P<value>[^\s=;\"']{1,200}=[^\r\n\"']*+)"
        ),
        _value,
    ),
    Rule(
        ("://",),
        re.compile(r"(?<=://)[^/\s:@\"'<>]*+:[^/\s\"'<>]*(?=@)"),
    ),
    Rule(
        _HINTS_OF_NAMES,
        re.compile(
            rf"(?i:(?P<name>{_NAMES}))[\\\"']{{0,3}}{_GAP}(?P<sign>=>|[:=]){_GAP}"
            r"(?:\\?[\"'](?P<quoted>[^\"'\\\r\n]++)|(?P<plain>[^\s\"'&,;<>\\(){}]++))"
        ),
        _assigned,
    ),
)
"""Rules that always apply."""

NAMES = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "api-key",
        "x-api-key",
        "api_key",
        "apikey",
        "admin_api_key",
        "cookie",
        "set-cookie",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "auth_token",
        "session_token",
        "client_secret",
        "webhook_secret",
        "secret_key",
        "access_key",
        "secret_access_key",
        "private_key",
        "credentials",
    }
)
"""Names of headers and members whose values are always masked; hyphens, underscores and case are ignored."""
_PLAIN_NAMES = frozenset(name.replace("-", "").replace("_", "") for name in NAMES)
_SECRET_ENDINGS = ("password", "passphrase", "secret", "apikey", "secretkey", "privatekey", "accesskey")
_TOKEN_ENDINGS = ("accesstoken", "refreshtoken", "idtoken", "authtoken", "sessiontoken")


def is_secret(name: object) -> bool:
    """Return whether a header or member has the name of a secret, ignoring case, hyphens, underscores and spaces."""
    plain = str(name).lower().replace("-", "").replace("_", "").replace(" ", "")
    return plain in _PLAIN_NAMES or plain.endswith(_SECRET_ENDINGS) or plain.endswith(_TOKEN_ENDINGS)
