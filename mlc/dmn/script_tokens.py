"""Groovy and JUEL: which texts are in these languages, and their words and symbols."""

from __future__ import annotations

import re

from .errors import FeelSyntaxError
from .feel.lexer import LONGEST, Token

LANGUAGES = frozenset({"groovy", "juel"})
_FEEL = re.compile(r"feel", re.IGNORECASE)
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[dDfFgGlL]?(?!\w))
      | (?P<string>"(?:[^"\\$\n]|\\["'\\nt])*"|'(?:[^'\\\n]|\\["'\\nt])*')
      | (?P<name>[A-Za-z_]\w*)
      | (?P<symbol>==(?!~)|!=|<=(?!>)|>=|&&|\|\||\?\.|\?:|[-+*/%<>!().,\[\]?:;])""",
    re.VERBOSE,
)
_WORDS = {"and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
          "div": "/", "mod": "%"}  # fmt: skip


def is_script(text: str, language: str | None) -> bool:
    """Whether a text is for this module: by its language, or because it is in JUEL's `${...}` or `#{...}`."""
    return (language or "").strip().lower() in LANGUAGES or is_wrapped(text)


def is_wrapped(text: str) -> bool:
    """Whether a text is in JUEL's `${...}` or `#{...}`."""
    return text.startswith(("${", "#{")) and text.endswith("}")


def known_language(language: str | None) -> bool:
    """Whether an expression language is FEEL, by any of its many addresses, or one of this module's."""
    return not language or language.strip().lower() in LANGUAGES or _FEEL.search(language) is not None


def tokens_of(text: str) -> list[Token]:
    """The tokens of a script, the last one of kind `end`; a word for an operator is it. Raises FeelSyntaxError."""
    if len(text) > LONGEST:
        raise FeelSyntaxError(f"the script has {len(text):,} characters; {LONGEST:,} are allowed")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FeelSyntaxError(f"{text[position]!r} is not supported in a script", position)
        kind, part = match.lastgroup or "", match.group()
        follows_dot = bool(tokens) and tokens[-1].text in (".", "?.")
        if kind == "name" and part in _WORDS and not follows_dot:
            kind, part = "symbol", _WORDS[part]
        if kind != "space":
            tokens.append(Token(kind, part, False, position))
        position = match.end()
    return [*tokens, Token("end", "", False, position)]
