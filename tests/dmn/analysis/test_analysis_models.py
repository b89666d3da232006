"""What is wrong with a model as a whole: names, logic that is missing, calls and the schema."""

from __future__ import annotations

import pytest
from author_tables import declared, findings, table
from dmn_text import decision, dmn, imported, input_data, item, knowledge_model, literal, service

from mlc.dmn.analysis import Aspect, Severity

ERROR, WARNING, HINT = Severity.ERROR, Severity.WARNING, Severity.HINT
AUC = input_data("auc", "number")
F = knowledge_model("f", ["x", "y"], "x + y")


def binding(name: str, text: str = "1") -> str:
    return f'<binding><parameter name="{name}"/>{literal(text) if text else ""}</binding>'


def entry(name: str, text: str = "1") -> str:
    variable = f'<variable name="{name}"/>' if name else ""
    return f"<contextEntry>{variable}{literal(text) if text else ''}</contextEntry>"


def invocation(*bindings: str, called: str = "f") -> str:
    return f"<invocation>{literal(called) if called else ''}{''.join(bindings)}</invocation>"


def source(requires: str, id_: str) -> str:
    needed = f'<authorityRequirement><{requires} href="#{id_}"/></authorityRequirement>'
    return f'<knowledgeSource id="_k" name="k">{needed}</knowledgeSource>'


def asks(name: str, type_ref: str = "number") -> str:
    return table([(name, type_ref)], [("passes", "boolean")], [["> 1", "true"]])


def reads(expression: str, type_ref: str | None, cell: str = "-") -> str:
    return asks("auc", type_ref or "").replace("<text>auc</text>", f"<text>{expression}</text>").replace("&gt; 1", cell)


@pytest.mark.parametrize(
    ("expression", "type_ref", "severity", "meant"),
    [
        ('"auc"', "number", ERROR, "auc"),
        ('"auc"', "string", WARNING, "auc"),
        ('"auc"', None, WARNING, "auc"),
        ('"AUC of the test"', "string", WARNING, ""),
        ("0.7", "number", WARNING, ""),
        ("auc &lt; 0.7", "number", ERROR, "boolean"),
        ("auc &lt; 0.7 and psi &lt; 1", "string", ERROR, "boolean"),
    ],
)
def test_a_column_that_reads_a_constant_or_another_type_than_it_gives_is_told(
    expression, type_ref, severity, meant
) -> None:
    found = [one for one in findings(dmn(decision("d", reads(expression, type_ref)))) if one.place.column == "auc"]

    assert [(one.severity, one.kind, one.suggestion) for one in found] == [(severity, Aspect.MISMATCH, meant)]


@pytest.mark.parametrize(
    ("expression", "type_ref"),
    [
        ("true", "boolean"),
        ("today()", "date"),
        ("auc &lt; 0.7", "boolean"),
        ("auc &lt; 0.7", None),
        ("auc * 2", "number"),
    ],
)
def test_a_column_that_reads_a_condition_or_the_clock_is_not_remarked_on(expression, type_ref) -> None:
    found = findings(dmn(decision("d", reads(expression, type_ref))))

    assert [one for one in found if one.kind is Aspect.MISMATCH] == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("bool", "boolean"), ("int", "integer"), ("Int", "integer"), ("float", "double"), ("decimal", "number"),
        ("str", "string"), ("text", "string"), ("datetime", "dateTime"), ("xsd:int", "integer"), ("Number", "number"),
    ],
)  # fmt: skip
def test_a_type_of_another_language_is_told_with_feels(written, meant) -> None:
    (error,) = [one for one in findings(dmn(decision("d", asks("auc", written)))) if one.severity is ERROR]

    assert (str(error.kind), error.suggestion) == ("unknown_type", meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("C", "COLLECT"), ("U", "UNIQUE"), ("F", "FIRST"), ("a", "ANY"), ("P", "PRIORITY"), ("R", "RULE ORDER"),
        ("O", "OUTPUT ORDER"), ("C+", 'COLLECT" aggregation="SUM'), ("C#", 'COLLECT" aggregation="COUNT'),
        ("SUM", 'COLLECT" aggregation="SUM'), ("COLLECT SUM", 'COLLECT" aggregation="SUM'),
        ("Collect (Min)", 'COLLECT" aggregation="MIN'), ("C>", 'COLLECT" aggregation="MAX'),
        ("FIRST MATCH", "FIRST"), ("RULE_ORDER", "RULE ORDER"), ("nonsense", ""),
    ],
)  # fmt: skip
def test_a_hit_policy_as_tables_show_it_is_told_with_the_attribute_that_was_meant(written, meant) -> None:
    text = asks("auc").replace('hitPolicy="FIRST"', f'hitPolicy="{written}"'.replace(">", "&gt;"))
    (error,) = [one for one in findings(dmn(decision("d", text))) if one.severity is ERROR]

    assert error.suggestion == (f'hitPolicy="{meant}"' if "=" in meant else meant)


WRONG = {
    # names
    "a column with a letter wrong": (
        dmn(AUC, decision("d", asks("acu"), inputs=["auc"])), (WARNING, "undeclared_input", "auc")),
    "a column in other case": (
        dmn(AUC, decision("d", asks("AUC"), inputs=["auc"])), (WARNING, "undeclared_input", "auc")),
    "an expression with a name that nothing declares": (
        dmn(AUC, decision("d", "auc > baseline", inputs=["auc"])), (WARNING, "undeclared_input", "")),
    "a required decision by a wrong name": (
        dmn(AUC, decision("score", "auc", inputs=["auc"]), decision("d", "scor > 1", decisions=["score"])),
        (WARNING, "undeclared_input", "score")),
    "an output of a required table by a wrong name": (
        dmn(AUC, decision("t", table([("auc", "number")], [("low", "number"), ("high", "number")],
            [["-", "1", "2"]]), inputs=["auc"]), decision("d", "t.hihg", decisions=["t"])),
        (ERROR, "unknown_member", "t.high")),
    "a component by a wrong name": (
        dmn(item("tLoan", item("amount", "number", "itemComponent")), input_data("loan", "tLoan"),
            decision("d", "loan.amuont > 1", inputs=["loan"])), (ERROR, "unknown_member", "loan.amount > 1")),
    "a decision that is not required": (
        dmn(AUC, decision("score", "auc", inputs=["auc"]), decision("d", "score > 1")),
        (ERROR, "not_required", 'require the decision "score"')),
    "input data that is not required": (
        dmn(AUC, decision("d", "auc > 1")), (WARNING, "not_required", 'require the input data "auc"')),
    "input data of two words that is not required": (
        dmn(input_data("Person Age", "number"), decision("d", "Person Age > 1")),
        (ERROR, "syntax", 'require "Person Age" in the decision, so that its name is known there')),
    "a function that is not required": (
        dmn(F, decision("d", "f(1, 2)")), (ERROR, "syntax", 'require the function "f"')),
    "two inputs that differ in case": (
        dmn(decision("d", "auc > 1"), decision("e", "AUC > 1")), (WARNING, "confusable_names", "auc")),
    "input data and a decision of one name": (
        dmn(AUC, decision("auc", "1").replace('id="_auc"', 'id="_other"')), (ERROR, "duplicate", "")),
    "a component twice": (
        dmn(item("t", item("a", "number", "itemComponent") * 2), decision("d", "1")), (ERROR, "duplicate", "")),
    "a type called like a built-in one": (dmn(item("number", "string"), decision("d", "1")), (ERROR, "duplicate", "")),
    "a variable of another name": (
        dmn(AUC.replace('<variable name="auc"', '<variable name="acu"'), decision("d", "acu", inputs=["auc"])),
        (ERROR, "variable", 'name="auc"')),
    "input data without a variable among others": (
        dmn('<inputData name="auc" id="_auc"/>', decision("d", "auc", inputs=["auc"])), (WARNING, "variable", "")),
    "no name": (dmn('<inputData id="_x"><variable name="x"/></inputData>', decision("d", "1")),
                (ERROR, "missing_name", "")),
    "a name that no expression can use": (dmn(input_data("5 a", "number"), decision("d", "1")),
                                          (WARNING, "bad_name", "")),
    "a name with spaces in front": (dmn(input_data(" auc", "number"), decision("d", "1")), (HINT, "bad_name", "auc")),
    # logic
    "no logic": (dmn(decision("d", "")), (ERROR, "missing_logic", "")),
    "a function without logic": (
        dmn(knowledge_model("f", ["x"], "<a/>"), decision("d", "1")).replace(b"<a/>", b""),
        (ERROR, "missing_logic", "")),
    "a table without rules": (declared(table([("auc", "number")], [("p", "boolean")], []), ("auc", "number")),
                              (ERROR, "missing_logic", "")),
    "an empty context": (dmn(decision("d", "<context/>")), (ERROR, "missing_logic", "")),
    "a context entry without expression": (
        dmn(decision("d", f"<context>{entry('a', '')}{entry('b')}</context>")), (ERROR, "missing_logic", "")),
    "a result of a context that is not its last entry": (
        dmn(decision("d", f"<context>{entry('')}{entry('b')}</context>")), (ERROR, "missing_logic", "")),
    "an invocation of nothing": (dmn(decision("d", invocation(binding("x"), called=""))),
                                 (ERROR, "missing_logic", "")),
    "a binding without expression": (
        dmn(F, decision("d", invocation(binding("x"), binding("y", "")), knowledge=["f"])),
        (ERROR, "missing_logic", "")),
    "a relation with a column twice": (
        dmn(decision("d", f'<relation><column name="a"/><column name="a"/><row>{literal("1") * 2}</row></relation>')),
        (ERROR, "missing_logic", "")),
    "a conditional without else": (
        dmn(decision("d", f"<conditional><if>{literal('true')}</if><then>{literal('1')}</then></conditional>")),
        (ERROR, "missing_logic", "")),
    # calls
    "too few arguments": (dmn(F, decision("d", "f(1)", knowledge=["f"])), (ERROR, "bad_call", "")),
    "an argument out of range": (
        dmn(AUC, decision("d", "round up(auc, 12000)", inputs=["auc"])), (ERROR, "bad_call", "")),
    "a built-in with a text for a number": (dmn(decision("d", 'decimal("a", 0)')), (ERROR, "bad_call", "")),
    "an expression that is always null": (dmn(decision("d", '"abc" - 2')), (ERROR, "bad_constant", "")),
    "an invocation of a name that nothing has": (
        dmn(F, decision("d", invocation(called="g"), knowledge=["f"])), (ERROR, "bad_call", "")),
    "an invocation with a letter wrong": (
        dmn(knowledge_model("score", ["x"], "x"), decision("d", invocation(binding("x"), called="scor"),
            knowledge=["score"])), (ERROR, "bad_call", "score")),
    "an invocation of a text": (
        dmn(F, decision("d", invocation(binding("x"), called='"f"'), knowledge=["f"])), (ERROR, "bad_call", "")),
    "an invocation of a built-in with a parameter that it has not": (
        dmn(decision("d", invocation(binding("x"), called="abs"))), (ERROR, "bad_call", "")),
    "an expression in B-FEEL": (
        dmn(decision("d", literal("1").replace(
            "<literalExpression", '<literalExpression expressionLanguage="urn:B-FEEL"'))),
        (ERROR, "other_language", "")),
    "B-FEEL": (dmn(decision("d", "1")).replace(
        b"<definitions ", b'<definitions expressionLanguage="https://www.omg.org/spec/DMN/20240513/B-FEEL/" '),
        (ERROR, "other_language", "")),
    # types
    "a column of another type than its input": (
        dmn(AUC, decision("d", asks("auc", "string").replace("&gt; 1", '"a"'), inputs=["auc"])),
        (ERROR, "type_mismatch", "number")),
    "a type with letters in the wrong order": (
        dmn(input_data("auc", "nubmer"), decision("d", "auc", inputs=["auc"])), (ERROR, "unknown_type", "number")),
    "a hit policy with letters in the wrong order": (
        declared(table([("auc", "number")], [("p", "boolean")], [["-", "true"]], "FRIST"), ("auc", "number")),
        (ERROR, "structure", "FIRST")),
    "a knowledge model that is required as a decision": (
        dmn(F, decision("d", "1", decisions=["f"])), (ERROR, "reference", "require it by <requiredKnowledge>")),
    "allowed values of another type": (
        dmn(item("t", '<typeRef>number</typeRef><allowedValues><text>"a"</text></allowedValues>'),
            decision("d", "1")), (ERROR, "type_mismatch", "")),
    # schema
    "an element that is misspelt": (
        dmn(AUC, decision("d", asks("auc").replace("inputEntry>", "inputEntry>").replace(
            "</rule>", "<anotationEntry/></rule>"), inputs=["auc"])),
        (ERROR, "not_in_the_schema", "<annotationEntry>")),
    "a diagram in the namespace of no version": (
        dmn(decision("d", "1"), '<n:DMNDI xmlns:n="http://www.omg.org/spec/DMN/20180505/DMNDI/"/>'),
        (WARNING, "not_in_the_schema", "")),
    "two expressions": (
        dmn(decision("d", literal("1") + literal("2"))), (ERROR, "not_in_the_schema", "")),
    "two texts in a cell": (
        dmn(AUC, decision("d", asks("auc").replace("</inputEntry>", "<text>5</text></inputEntry>"), inputs=["auc"])),
        (ERROR, "not_in_the_schema", "")),
    "an authority that is not there": (
        dmn(decision("d", "1").replace(
            "<literal", '<authorityRequirement><requiredAuthority href="#_x"/></authorityRequirement><literal')),
        (WARNING, "reference", "")),
    "an input of a knowledge source that is not there": (
        dmn(decision("d", "1"), source("requiredInput", "_x")), (WARNING, "reference", "")),
    "a decision of a knowledge source that is input data": (
        dmn(AUC, decision("d", "auc", inputs=["auc"]), source("requiredDecision", "_auc")),
        (WARNING, "reference", "")),
    "an owner of a knowledge source that is a decision": (
        dmn(decision("d", "1"), '<knowledgeSource id="_k" name="k"><owner href="#_d"/></knowledgeSource>'),
        (WARNING, "reference", "")),
    "an input of a knowledge model's authority that is a decision": (
        dmn(F.replace("</businessKnowledgeModel>", '<authorityRequirement><requiredInput href="#_d"/>'
            "</authorityRequirement></businessKnowledgeModel>"), decision("d", "1")), (WARNING, "reference", "")),
    "a loop without a name": (
        dmn(decision("d", f"<for><in>{literal('[1]')}</in><return>{literal('1')}</return></for>")),
        (ERROR, "missing_name", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_model_is_told(name) -> None:
    data, expected = WRONG[name]
    found = findings(data)

    assert [(one.severity, str(one.kind)) for one in found] == [expected[:2]]
    if expected[2] or isinstance(found[0].kind, Aspect):  # kinds of loading have a suggestion for the whole kind
        assert found[0].suggestion == expected[2]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("two parameters wrong", dmn(F, decision("d", invocation(binding("x"), binding("z")), knowledge=["f"])),
         {"gives", "does not give"}),
        ("an import called like an input", dmn(imported("urn:x", "auc"), AUC, decision("d", "auc", inputs=["auc"])),
         {"have the name"}),
        ("a required input that is a decision", dmn(AUC, decision("e", "1"), decision("d", "1", inputs=["e"])),
         {"required input"}),
        ("a requirement of nothing", dmn(decision("d", "1", decisions=["nobody"])), {"required decision"}),
        ("a service without its decision", dmn(decision("d", "1"), service("s", ["nobody"])), {"nobody"}),
        ("a type that is not there", dmn(input_data("x", "tX"), decision("d", "1")), {"no type"}),
        ("types in a circle", dmn(item("a", "b"), item("b", "a"), decision("d", "1")), {"itself"}),
        ("names twice", dmn(decision("d", "1"), decision("d", "2")), {"decisions have the name"}),
        ("a row of a relation too short",
         dmn(decision("d", f'<relation><column name="a"/><column name="b"/><row>{literal("1")}</row></relation>')),
         {"row of the relation"}),
        ("UNIQUE with an aggregation",
         declared(table([("auc", "number")], [("p", "number")], [["-", "1"]], "UNIQUE", ' aggregation="SUM"'),
                  ("auc", "number")), {"no aggregation"}),
        ("outputs without names",
         dmn(decision("d", '<decisionTable><output/><output/><rule><outputEntry><text>1</text></outputEntry>'
                           "<outputEntry><text>1</text></outputEntry></rule></decisionTable>")), {"no name"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_model_is_an_error(name, data, words) -> None:
    told = [str(one) for one in findings(data) if one.severity is ERROR]

    assert all(any(word in one for one in told) for word in words), told


CAMUNDA = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/"
 xmlns:dc="http://www.omg.org/spec/DMN/20180521/DC/" xmlns:camunda="http://camunda.org/schema/1.0/dmn"
 xmlns:biodi="http://bpmn.io/schema/dmn/biodi/2.0" id="d" name="DRD" namespace="http://camunda.org/schema/1.0/dmn">
 <inputData id="i1" name="Season"/><inputData id="i2" name="Number of guests"/>
 <knowledgeSource id="k" name="A cook's book"/>
 <decision id="dish" name="Dish"><extensionElements><biodi:bounds x="1"/></extensionElements>
  <informationRequirement><requiredInput href="#i1"/></informationRequirement>
  <authorityRequirement><requiredAuthority href="#k"/></authorityRequirement>
  <decisionTable hitPolicy="UNIQUE">
   <input label="Season" camunda:inputVariable=""><inputExpression typeRef="string"><text>season</text></inputExpression></input>
   <input label="Guests"><inputExpression typeRef="integer"><text>guestCount</text></inputExpression></input>
   <output label="Dish" name="desiredDish" typeRef="string"/>
   <rule><description>in June</description><inputEntry><text>"Summer","Fall"</text></inputEntry><inputEntry><text>&lt;= 8</text></inputEntry>
    <outputEntry><text>"Salad"</text></outputEntry></rule>
   <rule><inputEntry><text>not("Summer","Fall")</text></inputEntry><inputEntry><text/></inputEntry>
    <outputEntry><text>"Stew"</text></outputEntry></rule>
  </decisionTable></decision>
 <decision id="drink" name="Drink"><informationRequirement><requiredDecision href="#dish"/></informationRequirement>
  <decisionTable hitPolicy="COLLECT">
   <input><inputExpression typeRef="string"><text>desiredDish</text></inputExpression></input>
   <output name="drink" typeRef="string"/>
   <rule><inputEntry><text>"Stew"</text></inputEntry><outputEntry><text>"Wine"</text></outputEntry></rule>
  </decisionTable></decision>
 <dmndi:DMNDI><dmndi:DMNDiagram><dmndi:DMNShape dmnElementRef="dish"><dc:Bounds height="80"/></dmndi:DMNShape></dmndi:DMNDiagram></dmndi:DMNDI>
</definitions>"""  # noqa: E501 - as a modeller writes it
MODELOP = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/DMN/20151101/dmn.xsd" xmlns:camunda="http://camunda.org/schema/1.0/dmn"
 id="d" name="DRD" namespace="http://camunda.org/schema/1.0/dmn">
 <decision id="verdict" name="Verdict"><decisionTable id="t" hitPolicy="COLLECT">
  <input id="a" label="AUC" camunda:inputVariable="auc"><inputExpression id="e" typeRef="double"/></input>
  <input id="b" label="KS" camunda:inputVariable="DataDrift_maxKolmogorov-SmirnovPValue"><inputExpression id="f" typeRef="double"/></input>
  <input id="c" label="Risk" camunda:inputVariable="modelRisk"><inputExpression id="g" typeRef="string"><text/></inputExpression></input>
  <output id="o" label="passes" name="passes" typeRef="boolean"/><output id="p" name="reason" typeRef="string"/>
  <rule id="r1"><description/><inputEntry id="u1"><text>&lt; 0.7</text></inputEntry><inputEntry><text/></inputEntry>
   <inputEntry><text>"high","very high"</text></inputEntry>
   <outputEntry><text>false</text></outputEntry><outputEntry><text>"AUC is " + string(auc)</text></outputEntry></rule>
  <rule id="r2"><inputEntry><text>[0.7..0.8)</text></inputEntry><inputEntry><text>&gt; 0.05</text></inputEntry>
   <inputEntry><text/></inputEntry><outputEntry><text>false</text></outputEntry><outputEntry><text>"drift"</text></outputEntry></rule>
 </decisionTable></decision></definitions>"""  # noqa: E501
RIGHT = {
    "Camunda's": CAMUNDA.encode(),
    "ModelOp's": MODELOP.encode(),
    "functions and services": dmn(
        item("tLoan", item("amount", "number", "itemComponent") + item("start", "date", "itemComponent")),
        item("tStage", '<typeRef>string</typeRef><allowedValues><text>"prod", "dev"</text></allowedValues>'),
        input_data("my loan", "tLoan"), input_data("stage", "tStage"), AUC, F,
        knowledge_model("auc", ["stage"], "stage + 1").replace('"auc"', '"next auc"').replace("_auc", "_next"),
        decision("sum", "f(my loan.amount, 2) + f(x: 1, y: auc)", ["my loan", "auc"], knowledge=["f"]),
        decision("call", invocation(binding("x", "auc"), binding("y", "my loan.start.year")), ["my loan", "auc"],
                 knowledge=["f"]),
        decision("verdict", table([("stage", "tStage"), ("sum", "number"), ("my loan.amount", "number")],
                                  [("passes", "boolean")],
                                  [['"prod"', "> 5", "> auc", "true"], ['"dev"', "sum * 2 < 9", "-", "f(1, 2) > 2"]]),
                 ["stage", "my loan", "auc"], ["sum"], ["f"]),
        decision("list", "for loan in [my loan] return loan.amount", ["my loan"]),
        decision("filter", "[my loan][amount > 1 and item.amount > 1]", ["my loan"]),
        decision("context", f"<context>{entry('a')}{entry('b', 'a + 1')}{entry('', 'b')}</context>"),
        service("s", ["verdict"], ["my loan", "stage", "auc"]),
    ),
    "invocations and authorities": dmn(
        AUC, F,
        decision("built-in", invocation(binding("n"), called="abs")),
        decision("own", f"<context>{entry('twice', 'function(x) 2 * x')}"
                        f"<contextEntry>{invocation(binding('x'), called='twice')}</contextEntry></context>"),
        decision("handed over", "(function(g) g(1))(abs)"),
        decision("a text of its own", invocation(binding("a"), called="function(a) a + 1")),
        source("requiredInput", "_auc"),
        '<organizationUnit id="_o" name="o"><decisionOwned href="#_own"/></organizationUnit>',
        '<knowledgeSource id="_l" name="l"><authorityRequirement><requiredDecision href="#_own"/>'
        '</authorityRequirement><owner href="#_o"/></knowledgeSource>',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_model_that_is_right_is_not_remarked_on(name) -> None:
    assert [str(one) for one in findings(RIGHT[name])] == []
