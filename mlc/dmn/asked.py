"""Which problems of loading concern a decision that is asked for: its own, and those of all that it needs.

A name stands for an element's place: the file, and the name of the decision, service or knowledge model in it. What is
wrong elsewhere in a file (an import, a type, a name that is there twice) concerns everything in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import elements as dmn
from .errors import Problem
from .graph import Graph


class Concerns:
    """The problems of a model's files, to be asked for by the elements that they concern."""

    def __init__(self, graph: Graph, problems: Iterable[Problem]) -> None:
        self._graph = graph
        self._wrong: dict[tuple[str | None, str], list[Problem]] = {}
        self.general: list[Problem] = []
        known = {(one.place.file, element.name) for one in _graphs(graph) for element in _with_logic(one)}
        for problem in problems:
            place = (problem.place.file, problem.place.decision or "")
            if place in known:
                self._wrong.setdefault(place, []).append(problem)
            else:
                self.general.append(problem)

    def of(self, id_: str) -> list[Problem]:
        """The problems of an element of the main file, by its id, and of what it needs directly or through others."""
        if not self._wrong:
            return []
        found: list[Problem] = []
        waiting, seen = [(self._graph, id_)], {(self._graph, id_)}
        while waiting:
            graph, one = waiting.pop()
            element = graph.elements.get(one)
            if element is None:
                continue
            found += self._wrong.get((graph.place.file, element.name), [])
            for href in _needs(element):
                _, other, other_id = graph.located(href)
                if (other, other_id) not in seen:
                    seen.add((other, other_id))
                    waiting.append((other, other_id))
        return found


def _graphs(graph: Graph) -> list[Graph]:
    """A graph and those of all files that it imports, directly or through others."""
    found = [graph]
    for one in found:
        found += [other for _, other in one.imported if other not in found]
    return found


def _with_logic(graph: Graph) -> list[dmn.Decision | dmn.Knowledge | dmn.Service]:
    return [*graph.definitions.decisions, *graph.definitions.invocables()]


def _needs(element: dmn.Decision | dmn.Knowledge | dmn.Service) -> list[str]:
    """References to what is evaluated for an element. The input decisions of a service are replaced."""
    match element:
        case dmn.Decision():
            return [*element.decisions, *element.knowledge]
        case dmn.Knowledge():
            return element.knowledge
        case _:
            return [*element.outputs, *element.encapsulated]
