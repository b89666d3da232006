"""The requirements graphs of a model's files (DMN 1.5, clause 6), checked and compiled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from . import elements as dmn
from .boxes import BoxCompiler
from .errors import Findings, Kind, Place
from .evaluator import as_function
from .feel import calls
from .feel.dialects import Dialect, dialect
from .feel.lexer import Names
from .feel.reading import unminded
from .feel.run import Run, Scope
from .feel.types import ANY, Type
from .feel.values import Function
from .feel.vocabulary import BUILTIN_NAMES, PROPERTY_NAMES, Vocabulary
from .imports import File
from .itemtypes import ItemTypes
from .keys import keys_of
from .requirements import Input, Needs, Service, Unit
from .tables import DecisionTable

#: Decisions of a circle that a problem names.
SHOWN = 10


def compile_files(file: File, findings: Findings, spoken: str | None = None) -> Graph:
    """The graph of a file, after those of the files that it imports. What is wrong is reported to `findings`.

    `spoken` is the dialect of FEEL that all of them are in; None: each is in the one that it declares.
    """
    paths: dict[File, tuple[str, ...]] = {file: ()}
    waiting = [file]
    for importing in waiting:  # the shortest way to every file gives its inputs their names
        for alias, other in importing.imports:
            if other not in paths:
                paths[other] = (*paths[importing], *filter(None, [alias]))
                waiting.append(other)
    graphs: dict[File, Graph] = {}
    for one in file.all():
        imported = [(alias, graphs[other]) for alias, other in one.imports]
        graphs[one] = Graph(one, paths[one], imported, findings, dialect(spoken or one.definitions.dialect))
    return graphs[file]


class Graph:
    """Compiles one file to `units` (its decisions), `services` and `functions` (its knowledge models), by id.

    `path` has the names by which the model's main file knows this one; `imported` the graphs of the imported files by
    the names that this file gives them.
    """

    def __init__(
        self,
        file: File,
        path: tuple[str, ...],
        imported: list[tuple[str, Graph]],
        findings: Findings,
        dialect: Dialect,
    ) -> None:
        self.definitions = definitions = file.definitions
        self.place = file.place
        self.path = path
        self.imported = imported
        self.dialect = dialect
        self.report = findings.report
        self.check_names()
        self.types: ItemTypes = ItemTypes(
            definitions.types, self.place, findings, [(a, graph.types) for a, graph in imported], dialect
        )
        self.compiler = BoxCompiler(self.types, definitions.language, findings)
        self.type_names = Names(self.types.known)
        self.own_keys = keys_of(definitions)
        self.keys = Names(self.own_keys)
        for _, graph in imported:
            for name in graph.own_keys:
                self.keys.add(name)
        self.members = Names(self.types.members, around=PROPERTY_NAMES)
        for name in self.member_names():
            self.members.add(name)
        self.inputs = {data.id: self.input(data) for data in definitions.inputs}
        self.drawn = {data.variable.name for data in definitions.inputs if not data.named}
        self.elements = {one.id: one for one in (*definitions.decisions, *definitions.invocables())}
        self.units = {decision.id: self.unit(decision) for decision in definitions.decisions}
        self.services = {service.id: self.service(service) for service in definitions.services}
        self.functions = {id_: as_function(service) for id_, service in self.services.items()}
        self.named = {one.id: one.variable.name for one in definitions.invocables()}
        self.called: set[str] = set()
        self.compile_knowledge()
        for decision in definitions.decisions:
            self.connect(decision)
        for service in definitions.services:
            self.furnish(service)
        self.cut_cycles()
        for decision in definitions.decisions:
            self.compile(decision)

    # -- names -------------------------------------------------------------------------------------------------------

    def check_names(self) -> None:
        """No id twice, and no name twice among what is named alike."""
        d = self.definitions
        self.once("elements have the id", [(element.id, element.line) for element in d.all()])
        self.once("decisions have the name", [(decision.name, decision.line) for decision in d.decisions])
        self.once("inputs have the name", [(data.variable.name, data.line) for data in d.inputs])
        self.once("functions have the name", [(one.variable.name, one.line) for one in d.invocables()])
        self.once("types have the name", [(definition.name, definition.line) for definition in d.types])

    def once(self, what: str, names: list[tuple[str, int | None]]) -> None:
        """Report the names that are there more than once, each with the line of the last element that has it."""
        lines = dict(names)
        for name, times in Counter(name for name, _ in names).items():
            if times > 1:
                self.report(Kind.DUPLICATE, f'{times} {what} "{name}"', self.place.at(line=lines[name]))

    def member_names(self) -> Iterator[str]:
        """Names that may follow a dot, beside those of types: outputs of tables, and the elements of other files."""
        for decision in self.definitions.decisions:
            yield from _outputs(decision)
        for _, graph in self.imported:
            for element in graph.definitions.all():
                yield element.variable.name

    def vocabulary(self, names: Iterable[str]) -> Vocabulary:
        """The names of one decision or function; the members of types are the same everywhere."""
        aliases = (alias for alias, _ in self.imported if alias)
        visible = Names([*names, *aliases], around=BUILTIN_NAMES)
        members, types = Names(around=self.members), self.types.known
        return Vocabulary(visible, members, types, self.type_names, keys=self.keys, dialect=self.dialect)

    def located(self, href: str) -> tuple[str, Graph, str]:
        """What a reference points to: the name of the import, that file's graph, and the id; "" for this file."""
        namespace, _, id_ = href.rpartition("#")
        for alias, graph in self.imported if namespace else ():
            if namespace in (graph.definitions.namespace, graph.place.file):
                return alias, graph, id_
        return "", self, id_

    # -- elements ----------------------------------------------------------------------------------------------------

    def input(self, data: dmn.InputData) -> Input:
        place = self.place.at(line=data.line)
        wanted = self.types.find(data.variable.type_ref, place)
        return self.asked(data.variable.name, wanted, place, id_=f"{id(self)}#{data.id}")

    def asked(
        self,
        name: str,
        wanted: Type,
        place: Place,
        *,
        declared: bool = True,
        instead: tuple[str, ...] = (),
        id_: str = "",
    ) -> Input:
        """An input of this file, which the main file may know by a longer name."""
        path = (*self.path, name) if self.path else ()
        return Input(".".join(path) or name, wanted, place, declared, instead, path, id_)

    def unit(self, decision: dmn.Decision) -> Unit:
        place = self.place.at(decision=decision.name, line=decision.line)
        wanted = self.types.find(decision.variable.type_ref, place)
        return Unit(decision.name, decision.id, decision.variable.name, wanted, place, _outputs(decision))

    def service(self, service: dmn.Service) -> Service:
        """A decision service with its parameters; `furnish` gives it the decisions."""
        place = self.place.at(decision=service.name, line=service.line)
        wanted = self.types.answer(service.variable.type_ref, place)
        made = Service(service.name, service.id, service.variable.name, wanted, place)
        for href in service.inputs:
            _, graph, id_ = self.located(href)
            if id_ in graph.inputs:
                made.parameters.append((graph.inputs[id_].at(place), None))
            else:
                self.report(Kind.REFERENCE, f'the input "{id_}" of the service is not in the file', place)
        for href in service.decisions:
            if (unit := self.found(href, place)) is not None:
                made.parameters.append((self.asked(unit.variable, unit.type, place), unit))
        return made

    def found(self, href: str, place: Place) -> Unit | None:
        """The decision that a reference points to; None, and reported, when there is none."""
        _, graph, id_ = self.located(href)
        unit = graph.units.get(id_)
        if unit is None:
            self.report(Kind.REFERENCE, f'the required decision "{id_}" is not in the file', place)
        return unit

    def furnish(self, service: dmn.Service) -> None:
        """The decisions that a service answers with, which may be none (6.3.10), and those inside of it."""
        made = self.services[service.id]
        for references, units in ((service.outputs, made.outputs), (service.encapsulated, made.inside)):
            units.extend(filter(None, (self.found(href, made.place) for href in references)))

    # -- requirements ------------------------------------------------------------------------------------------------

    def knowledge(self, references: list[str], place: Place) -> tuple[Scope, dict[str, Scope]]:
        """The functions that knowledge requirements name: those of this file, and those of others by the alias."""
        own: Scope = {}
        others: dict[str, Scope] = {}
        for href in references:
            alias, graph, id_ = self.located(href)
            if id_ not in graph.named:
                self.report(Kind.REFERENCE, f'the required knowledge "{id_}" is not in the file', place)
                continue
            if graph is self:
                self.called.add(id_)
            scope = others.setdefault(alias, {}) if alias else own
            scope[graph.named[id_]] = graph.functions.get(id_)  # null where it does not compile
        return own, others

    def compile_knowledge(self) -> None:
        """Make every business knowledge model a function that sees itself and those that it requires."""
        scopes: dict[str, Scope] = {}
        for model in self.definitions.knowledge:
            place = self.place.at(decision=model.name, line=model.line)
            scope = scopes[model.id] = {}
            if model.function is None:
                continue
            required = map(self.located, model.knowledge)
            visible = (graph.named.get(id_, "") for alias, graph, id_ in required if not alias)
            vocabulary = self.vocabulary([model.variable.name, *visible])
            result = self.types.answer(model.variable.type_ref, place)
            code = self.compiler.function(model.function, vocabulary, place, result, model.name)
            for name, where in vocabulary.free.items():
                self.report(Kind.REFERENCE, f'"{name}" is neither a parameter nor a function that is required', where)
            value = code(scope, Run())
            if isinstance(value, Function):
                self.functions[model.id] = value
        for model in self.definitions.knowledge:
            own, others = self.knowledge(model.knowledge, self.place.at(decision=model.name, line=model.line))
            scopes[model.id].update({**others, **own})
            if model.id in self.functions:
                scopes[model.id][model.variable.name] = self.functions[model.id]

    def connect(self, decision: dmn.Decision) -> None:
        """What a decision requires, and the outputs of required tables that it may call by their names."""
        unit = self.units[decision.id]
        functions, others = self.knowledge(decision.knowledge, unit.place)
        unit.needs.functions = functions
        for alias, scope in others.items():
            unit.imported.setdefault(alias, Needs()).functions = scope
        for href in decision.inputs:
            alias, graph, id_ = self.located(href)
            if id_ not in graph.inputs:
                self.report(Kind.REFERENCE, f'the required input "{id_}" is not in the file', unit.place)
                continue
            needs = unit.imported.setdefault(alias, Needs()) if alias else unit.needs
            given = graph.inputs[id_]
            needs.inputs[given.last_name] = given.at(unit.place)
        for href in decision.decisions:
            alias, _, _ = self.located(href)
            other = self.found(href, unit.place)
            if other is not None:
                needs = unit.imported.setdefault(alias, Needs()) if alias else unit.needs
                needs.decisions[other.variable] = other
        for other in unit.needs.decisions.values():
            for name in other.outputs:
                if name not in unit.needs.decisions:
                    unit.exported[name] = other

    def cut_cycles(self) -> None:
        """Report every cycle of requirements, and cut it, so that the rest can be looked at."""
        done: set[Unit] = set()
        for start in self.units.values():
            stack: list[tuple[Unit, Iterator[Unit]]] = [(start, iter(start.requires()))]
            above = {start}
            while stack:
                unit, rest = stack[-1]
                following = None if unit in done else next(rest, None)
                if following is None:
                    done.add(unit)
                    above.discard(unit)
                    stack.pop()
                elif following in above:
                    unit.forget(following)
                    names = [passed.name for passed, _ in stack[-SHOWN:]]
                    if following.name in names:
                        names = names[names.index(following.name) :]
                    else:
                        names = [following.name, "...", *names]
                    path = " -> ".join([*names, following.name])
                    self.report(Kind.CYCLE, f"decisions require each other in a circle: {path}", unit.place)
                elif following not in done:
                    above.add(following)
                    stack.append((following, iter(following.requires())))

    # -- logic -------------------------------------------------------------------------------------------------------

    def compile(self, decision: dmn.Decision) -> None:
        """A decision's logic, and the inputs that only its logic asks for."""
        unit, box = self.units[decision.id], decision.expression
        names = unit.needs.names() | unit.exported.keys()
        vocabulary = self.vocabulary(names)
        unit.has_logic = box is not None
        type_ref = None
        if isinstance(box, dmn.Typed):
            type_ref = box.type_ref
            box = box.expression
        code = self.compiler.expression(box, vocabulary, unit.place)
        unit.table = code if isinstance(code, DecisionTable) else None
        unit.code = calls.typed(code, self.types.find(type_ref, unit.place), "the result", unit.place)
        for name in vocabulary.spared - vocabulary.needed:
            if name in unit.needs.inputs:
                unit.needs.inputs[name] = replace(unit.needs.inputs[name], optional=True)
        if unit.has_logic:
            self.leave_out_what_is_drawn(unit, vocabulary.needed | vocabulary.spared)
        if unit.table is None:
            reading = vocabulary.reading
            unit.read = [(path, unit.place) for path in unminded(reading.paths, reading.minds)]
        types = {column.name: column.type for column in unit.table.inputs if column.name} if unit.table else {}
        for name, place in vocabulary.free.items():
            instead = vocabulary.instead.get(name, ())
            wanted = types.get(name, ANY)
            unit.needs.inputs[name] = self.asked(name, wanted, place, declared=False, instead=instead)
        for name in vocabulary.optional:
            if name not in vocabulary.free and name not in names:
                unit.optional[name] = self.asked(name, ANY, unit.place, declared=False)

    def leave_out_what_is_drawn(self, unit: Unit, read: set[str]) -> None:
        """Need no input data that has no variable and that nothing reads by its name.

        Camunda's modeler draws them so, under any name, and its engine doesn't look at them: its columns read variables
        of other names (`guestCount` beside a drawn "Guest Count"), which are asked for themselves.
        """
        known = {"".join(name.split()) for name in read}
        for name in self.drawn & unit.needs.inputs.keys():
            if "".join(name.split()) not in known:
                del unit.needs.inputs[name]


def _outputs(decision: dmn.Decision) -> list[str]:
    """The declared output names of a decision that is a table."""
    table = decision.expression.expression if isinstance(decision.expression, dmn.Typed) else decision.expression
    return [output.name for output in table.outputs if output.name] if isinstance(table, dmn.Table) else []
