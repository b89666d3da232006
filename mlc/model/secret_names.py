"""Names under which people keep secrets in metadata, where every reader of a ticket would see them."""

import re
from collections.abc import Mapping

HIDDEN = "(hidden: by its name it is a secret)"
TOO_DEEP = "(nested too deeply to be shown)"
DEEPEST = 30
_NAMING = ("name", "key", "Name", "Key")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TELLING = frozenset(
    {
        *("secret", "secrets", "password", "passwords", "passwd", "pwd", "passphrase", "passcode", "pin"),
        *("token", "tokens", "credential", "credentials", "cred", "creds", "authorization", "bearer", "cookie"),
        *("apikey", "apikeys", "accesskey", "secretkey", "privatekey", "key", "keys", "signature", "sas", "jwt", "pat"),
    }
)
_PARTS = re.compile(r"secret|passw|passphrase|token|credential|apikey|accesskey|privatekey", re.IGNORECASE)
_COLUMN = frozenset({"column", "columns", "field", "fields", "feature", "features", "attribute", "attributes"})
_OF_DATA = frozenset({"primary", "foreign", "join", "partition", "sort", "index", "group", "unique", "surrogate"})
_OF_TEXT = re.compile(
    r"tokens?_?(?:per|limit|count|length|budget|size|window)|(?:max|min|num|context)_?tokens?", re.IGNORECASE
)


def names_secret(name: str) -> bool:
    """Whether something of this name is likely to be a secret: ``api_key``, ``apiKey``, ``API-KEY``, ``dbPassword``.

    When in doubt it is. What is about the keys of data or the tokens of texts is none: ``primary_key_column``,
    ``join_keys``, ``max_tokens``; nor is a word in which one of these only begins: ``keywords``, ``tokenizer``.
    """
    words = [word.casefold() for word in _WORD.findall(name)]
    if _OF_TEXT.search(name) and not _TELLING.difference({"token", "tokens"}).intersection(words):
        return False
    if {"key", "keys"} & set(words) and (_COLUMN | _OF_DATA) & set(words):
        return bool(_TELLING.difference({"key", "keys"}).intersection(words))
    whole = "".join(words)
    return bool(_TELLING.intersection(words)) or whole in _TELLING or plainly_names_secret(name)


def plainly_names_secret(name: str) -> bool:
    """The same where there is no doubt: ``key`` alone may be one of data, and is none here."""
    if _OF_TEXT.search(name):
        return False
    whole = "".join(_WORD.findall(name)).casefold()
    said = _PARTS.search(whole)
    return said is not None and not re.match(r"tokeni[sz]|tokenis|secretar", whole[said.start() :])


def without_secrets(values: Mapping[str, object]) -> dict[str, object]:
    """Metadata in which the values of such names are hidden, however deep they are nested.

    So is the value of a pair that is written as two members: ``{"name": "api_key", "value": "..."}``.
    """
    return _cleared_members(values, DEEPEST)


def _cleared_members(values: Mapping[str, object], depth: int) -> dict[str, object]:
    named = any(isinstance(values.get(name), str) and names_secret(str(values[name])) for name in _NAMING)
    return {
        name: HIDDEN
        if _holds(value) and (names_secret(name) or (named and name.casefold() == "value"))
        else _cleared(value, depth)
        for name, value in values.items()
    }


def _holds(value: object) -> bool:
    """Whether there is anything to hide: an empty value and a switch are none."""
    return value not in (None, "", [], {}) and not isinstance(value, bool)


def _cleared(value: object, depth: int) -> object:
    if isinstance(value, dict | list) and not depth:
        return TOO_DEEP
    if isinstance(value, dict):
        return _cleared_members({str(name): inner for name, inner in value.items()}, depth - 1)
    if isinstance(value, list):
        return [_cleared(inner, depth - 1) for inner in value]
    return value
