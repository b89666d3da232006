"""What the fuzzer starts from: one small DMN file for each kind of element, one line for each construct of FEEL."""

from __future__ import annotations

from collections.abc import Iterator

from mlc.dmn.feel.builtins import BUILTINS
from mlc.dmn.feel.cursor import KEYWORDS
from mlc.dmn.feel.types import TYPES

MODELER = "https://www.omg.org/spec/DMN/20191111/MODEL/"
NEWEST = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def definitions(body: str, namespace: str = MODELER, more: str = "") -> str:
    """A file with this body."""
    return (
        f'<definitions xmlns="{namespace}" xmlns:camunda="http://camunda.org/schema/1.0/dmn" id="d" name="D" '
        f'namespace="n"{more}>{body}</definitions>'
    )


def decision(logic: str, more: str = "", name: str = "v") -> str:
    """A decision with this logic."""
    return f'<decision id="{name}" name="{name}"><variable name="{name}"/>{more}{logic}</decision>'


def literal(text: str, more: str = "") -> str:
    """A literal expression."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f"<literalExpression{more}><text>{escaped}</text></literalExpression>"


def table(policy: str = "", cells: tuple[str, ...] = ("&lt; 0.9", "-"), values: str = "", more: str = "") -> str:
    """A decision table of two rules over the inputs `auc` and `kind`."""
    rules = "".join(
        f'<rule id="r{number}">{"".join(f"<inputEntry><text>{cell}</text></inputEntry>" for cell in cells)}'
        f"<outputEntry><text>{number}</text></outputEntry><annotationEntry><text>why</text></annotationEntry></rule>"
        for number in (1, 2)
    )
    return (
        f'<decisionTable id="t"{policy}><input label="AUC"{more}><inputExpression typeRef="number"><text>auc</text>'
        '</inputExpression></input><input><inputExpression typeRef="string"><text>kind</text></inputExpression>'
        '<inputValues><text>"a","b"</text></inputValues></input>'
        f'<output name="o" typeRef="number">{values}</output>{rules}</decisionTable>'
    )


ORDERED = "<outputValues><text>1, 2</text></outputValues><defaultOutputEntry><text>2</text></defaultOutputEntry>"
TYPES_OF_ITEMS = (
    '<itemDefinition name="tLoan"><itemComponent name="rate"><typeRef>number</typeRef></itemComponent>'
    '<itemComponent name="tags" isCollection="true"><typeRef>string</typeRef><allowedValues><text>"a","b"</text>'
    '</allowedValues></itemComponent></itemDefinition><inputData id="loan" name="loan"><variable name="loan" '
    'typeRef="tLoan"/></inputData>'
)
NEEDS_LOAN = '<informationRequirement id="q"><requiredInput href="#loan"/></informationRequirement>'
FUNCTION = (
    '<businessKnowledgeModel id="f" name="f"><variable name="f"/><encapsulatedLogic><formalParameter name="x" '
    f'typeRef="number"/>{literal("x + 1")}</encapsulatedLogic></businessKnowledgeModel>'
)
NEEDS_FUNCTION = '<knowledgeRequirement id="k"><requiredKnowledge href="#f"/></knowledgeRequirement>'
SERVICE = (
    '<decisionService id="s" name="s"><variable name="s"/><outputDecision href="#v"/><encapsulatedDecision href="#w"/>'
    '<inputDecision href="#u"/><inputData href="#loan"/></decisionService>'
)


def boxes() -> Iterator[str]:
    """Every kind of boxed expression."""
    one, two = literal("1"), literal("[1, 2]")
    yield literal("auc > 0.9")
    yield (
        f'<context><contextEntry><variable name="a"/>{one}</contextEntry><contextEntry>{literal("a + 1")}'
        "</contextEntry></context>"
    )
    yield f'<invocation>{literal("f")}<binding><parameter name="x"/>{one}</binding></invocation>'
    yield f'<functionDefinition><formalParameter name="p" typeRef="number"/>{literal("p * 2")}</functionDefinition>'
    yield '<functionDefinition kind="Java"><context/></functionDefinition>'
    yield f"<list>{one}{two}</list>"
    yield f'<relation><column name="a"/><column name="b"/><row>{one}{two}</row></relation>'
    yield f"<conditional><if>{literal('true')}</if><then>{one}</then><else>{two}</else></conditional>"
    yield f"<filter><in>{two}</in><match>{literal('item > 1')}</match></filter>"
    yield f'<for iteratorVariable="i"><in>{two}</in><return>{literal("i + 1")}</return></for>'
    for kind in ("some", "every"):
        yield f'<{kind} iteratorVariable="i"><in>{two}</in><satisfies>{literal("i > 1")}</satisfies></{kind}>'


def imported() -> bytes:
    """The file that one of the files imports."""
    return definitions(FUNCTION + decision(literal("3"), name="u")).replace('namespace="n"', 'namespace="m"').encode()


def messages() -> Iterator[bytes]:
    """Messages of a model's process."""
    from .channel import seeds

    return (seed + b"\n" for seed in seeds())


def files() -> Iterator[bytes]:
    """Small DMN files that together use everything the reader knows."""
    for box in boxes():
        yield definitions(FUNCTION + decision(box, NEEDS_FUNCTION)).encode()
    for policy in ("UNIQUE", "ANY", "PRIORITY", "FIRST", "RULE ORDER", "OUTPUT ORDER", "COLLECT"):
        yield definitions(decision(table(f' hitPolicy="{policy}"', values=ORDERED))).encode()
    for aggregation in ("SUM", "MIN", "MAX", "COUNT"):
        yield definitions(decision(table(f' hitPolicy="COLLECT" aggregation="{aggregation}"'))).encode()
    for cells in (("[0..1)", '"a", "b"'), ("not(1, 2)", "null"), ("? > kind", 'contains(?, "a")'), (">=1,&lt;0", "-")):
        yield definitions(decision(table(cells=cells)), NEWEST).encode()
    yield definitions(decision(table(cells=("${auc &lt; 0.5}", "-"), more=' camunda:inputVariable="auc"'))).encode()
    groovy = literal('auc < 0.7 && kind.equalsIgnoreCase("a")', ' expressionLanguage="groovy"')
    yield definitions(decision(groovy)).encode()
    for text in CAMUNDA:
        yield definitions(decision(literal(text)), more=' executionPlatform="Camunda Cloud"').encode()
    yield definitions(TYPES_OF_ITEMS + decision(literal("loan.rate * 2"), NEEDS_LOAN), NEWEST).encode()
    needs_w = '<informationRequirement id="r"><requiredDecision href="#w"/></informationRequirement>'
    chain = decision(literal("w + 1"), needs_w) + decision(literal("u"), name="w") + decision(literal("3"), name="u")
    yield definitions(chain + TYPES_OF_ITEMS + SERVICE, NEWEST).encode()
    elsewhere = '<informationRequirement id="r"><requiredDecision href="m#u"/></informationRequirement>'
    yield definitions(
        f'<import name="m" namespace="m" locationURI="m.dmn" importType="{MODELER}"/>'
        f"{decision(literal('m.u + m.f(1)'), elsewhere + NEEDS_FUNCTION.replace('#', 'm#'))}"
    ).encode()
    yield definitions(chain).encode("utf-16")
    yield b'<?xml version="1.0" encoding="latin-1"?>' + definitions(chain).encode()
    yield b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"/></definitions>'


CAMUNDA = (
    "get or else(`a b`, is defined(x.y))", "partition(ns, 2)", 'from json("[1, {}]")', "to json(ctx)", "and([b, null])",
    'decimal(x, 1, "HALF_UP")', 'context put({}, ["a", "b"], 1)', 'extract(s, "a.")', "assert(x, x > 1, s)",
)  # fmt: skip
ARGUMENTS = ("", "x", "ns", "s", '"ab", 1', "ns, 1", "ctx", '"2026-07-31"', "x, 2", "ns, function(a, b) a < b", "d, d")
EXPRESSIONS = (
    "1 + 2 * -3 ** 2 / .5", "x between 1 and 3", "x in (1, [2..3], > 5)", "x in [1..3)", '"a" + s', "not(b)",
    "if x > 1 then s else null", "for i in 1..3, j in ns return i * j + count(partial)", "ns[item > 1][-1]",
    "some i in ns satisfies i > 2", "every i in ns, j in ns satisfies i = j", "{a: 1, \"b c\": a + 1}.b c", "ctx.a",
    "function(a: number, b) a + b", "(function(a) a * 2)(3)", 'x instance of number', 'ns instance of list<number>',
    'ctx instance of context<a: number>', 'f instance of function<number> -> string', '@"2026-07-31"',
    '@"10:30:00+02:00"', '@"2026-07-31T10:30:00@Europe/Paris"', '@"P1Y2M"', '@"-P1DT2H3M4.5S"', "d + @\"P1D\"",
    "dt - dt", "t.hour + t.time offset", "(< 10)", "]1..2[", "[x..x + 1].start included", "null = x", "x != null",
    "// a comment\n1", "/* a comment */ 1", '"\\u0041\\n\\t\\"\\U01F40E"', "[ctx, ctx].a", "[[1,2],[3]][1][2]",
    "{f: function(n) if n = 0 then 0 else f(n - 1)}.f(3)", "a-b + data drift", "9**9**9", "1e400 * 1E-6000",
    "[{a-b: 1, c d: 2}][a-b > 0 and c d = 2].c d",
    "{?x: 1, y ?: (!= ?x)}.y ?", "(function(person's age) person's age < 18)(person's age: 16)", "{t: > 5, r: t(6)}.r",
    "string join(for i in ns return string(i), \",\")", 'replace(s, "(a)|b", "$1")', 'matches(s, "^a.*b$", "ix")',
)  # fmt: skip
TESTS = (
    "-", "< 5", "not(< 5, 7)", "[1..5], ]7..9[", '"a", "b"', "? > 1 and ? < 5", "ns", "null", "x", "not(null)",
    '@"2026-07-31", < date(2026, 1, 1)', "contains(?, \"a\")", "x..5", "(1..5]", "every i in ns satisfies i < ?",
)  # fmt: skip
SCRIPTS = (
    'x < 0.7 && s.equalsIgnoreCase("a")', "${x < 5}", "!(x == 1) || s.contains('b')", "x + 1.5d * -2", "x lt 3 and b",
    "#{x ? ns[0] : ctx['a']}", "empty s ? 1 : s?.length() % 2", "x in [1, 2] && ns.size() gt 0", "s ?: Math.abs(-x)",
)  # fmt: skip


def expressions() -> Iterator[bytes]:
    """Inputs of the target `feel`: the first byte says where the text stands, see `targets.SHAPES`."""
    calls = (f"{name}({arguments})" for name in sorted(BUILTINS) for arguments in ARGUMENTS)
    for text in (*EXPRESSIONS, *calls):
        yield b"0" + text.encode()
    for text in TESTS:
        yield b"1" + text.encode()
    for text in SCRIPTS:
        yield b"3" + text.encode()
        yield b"4" + text.encode()


ELEMENTS = """decision decisionTable literalExpression context contextEntry invocation binding functionDefinition list
    relation column row conditional filter for some every in return satisfies match if then else inputData variable
    businessKnowledgeModel encapsulatedLogic formalParameter decisionService outputDecision inputDecision import
    encapsulatedDecision itemDefinition itemComponent typeRef allowedValues typeConstraint functionItem
    informationRequirement knowledgeRequirement requiredInput requiredDecision requiredKnowledge input inputExpression
    inputValues output outputValues defaultOutputEntry rule inputEntry outputEntry annotationEntry text"""
ATTRIBUTES = """id name href typeRef hitPolicy aggregation isCollection kind iteratorVariable label namespace
    expressionLanguage locationURI importType camunda:inputVariable executionPlatform"""
SYMBOLS = """( ) [ ] { } < <= > >= = != + - * / ** .. . , : ? @ -> // /* */ " ' && || ! ${ } not( @"P1D" item partial
    external list< context< function< range< 2026-07-31 10:30:00 +02:00 @Europe/Paris 1e9999 -1 0 null 9999-12-31
    0001-01-01 P999999999Y 999999999999999999999 \\u0000 \\uD83D \\U10FFFF"""


def dictionary() -> str:
    """A dictionary for libFuzzer: every element, attribute, keyword, built-in and type name, and FEEL's symbols."""
    tags = [part for name in ELEMENTS.split() for part in (f"<{name}>", f"</{name}>", f"<{name}/>")]
    words = [*SYMBOLS.split(), *KEYWORDS, *BUILTINS, *TYPES, *(f"{name}(" for name in BUILTINS)]
    entries = [*tags, *(f' {name}="' for name in ATTRIBUTES.split()), *words]
    escaped = (entry.replace("\\", "\\\\").replace('"', '\\"') for entry in entries)
    return "".join(f'"{entry}"\n' for entry in sorted(set(escaped)))
