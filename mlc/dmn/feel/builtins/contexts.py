"""Contexts: reading and making them."""

from __future__ import annotations

from mlc.dmn.errors import FeelError
from mlc.dmn.feel.run import ENTRY, OBJECT, Run, Value

from .signature import builtin

Context = dict[str, Value]


@builtin("get value(m: context, key: string)")
def get_value(context: Context, key: str) -> Value:
    """The value of an entry; null if there is none."""
    return context.get(key)


@builtin("get entries(m: context)", takes_run=True)
def get_entries(run: Run, context: Context) -> list[Value]:
    """A list of contexts with `key` and `value`."""
    run.hold((OBJECT + 2 * ENTRY) * len(context))
    return [{"key": key, "value": value} for key, value in context.items()]


@builtin("context(entries: list)")
def context_of(entries: list[Value]) -> Context:
    """A context of such a list."""
    made: Context = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or "value" not in entry:
            raise FeelError("context(): every entry must be a context with a key and a value")
        if entry["key"] in made:
            raise FeelError(f'context(): the key "{entry["key"]}" is given twice')
        made[entry["key"]] = entry["value"]
    return made


@builtin("context put(context: context, key: string, value: Any)")
@builtin("context put(context: context, keys: list, value: Any)")
def context_put(context: Context, key: str | list[Value], value: Value = None) -> Context:
    """A context with one entry more, or another value for one; a list of keys leads into nested contexts."""
    path = key if isinstance(key, list) else [key]
    if not path or not all(isinstance(part, str) for part in path):
        raise FeelError("context put(): the keys must be strings, and at least one")
    if len(path) == 1:
        return {**context, path[0]: value}
    inner = context.get(path[0])
    if not isinstance(inner, dict):
        raise FeelError(f'context put(): "{path[0]}" is not a context')
    return {**context, path[0]: context_put(inner, path[1:], value)}


@builtin("context merge(contexts: list)")
def context_merge(contexts: list[Value]) -> Context:
    """All entries of several contexts; the last one wins."""
    merged: Context = {}
    for context in contexts:
        if not isinstance(context, dict):
            raise FeelError("context merge(): every item must be a context")
        merged |= context
    return merged
