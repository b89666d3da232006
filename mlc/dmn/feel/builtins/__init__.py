"""FEEL's built-in functions (DMN 1.5, 10.3.4), by name."""

from __future__ import annotations

from collections.abc import Mapping

from mlc.dmn.feel.values import Function

from . import contexts, conversion, lists, numbers, ranges, regexes, strings, times
from .signature import registered

BUILTINS: Mapping[str, Function] = registered(contexts, conversion, lists, numbers, ranges, regexes, strings, times)
