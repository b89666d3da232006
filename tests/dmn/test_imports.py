"""Imports of other DMN files (DMN 1.5, 6.3.3): what they bring, where they are looked for, and where never."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from dmn_text import decision, dmn, function, imported, input_data, item, knowledge_model, service

import mlc.dmn
from mlc.dmn import DmnError, Kind, Place

LIBRARY = "urn:library"
TYPES = item("tPerson", item("name", "string", "itemComponent") + item("age of person", "number", "itemComponent"))
BODY = (
    TYPES,
    input_data("limit", "number"),
    decision("Half Limit", "limit / 2", ["limit"]),
    knowledge_model("Say Hello", [("person", "tPerson")], '"Hello " + person.name'),
    service("Limits", ["Half Limit"], ["limit"]),
)


def library(*elements: str, namespace: str = LIBRARY) -> bytes:
    return dmn(*(elements or BODY), namespace=namespace, name="library")


def using(*elements: str, alias: str = "my lib", location: str | None = None, namespace: str = LIBRARY) -> bytes:
    return dmn(imported(namespace, alias, location), *elements)


def load(data: bytes, library_: bytes | None = None, **options: object) -> mlc.dmn.DecisionModel:
    return mlc.dmn.load(data, imports={LIBRARY: library_ or library()}, name="main.dmn", **options)


def problems_of(data: bytes | Path, **options: object) -> list[mlc.dmn.Problem]:
    with pytest.raises(DmnError) as caught:
        mlc.dmn.load(data, **{"name": "main.dmn"} | options)
    return caught.value.problems


def test_an_imported_function_and_type_are_used_by_their_qualified_names() -> None:
    body = input_data("A Person", "my lib.tPerson") + decision(
        "x", "my lib.Say Hello(A Person)", ["A Person"], knowledge=[f"{LIBRARY}#Say Hello"]
    )
    model = load(using(body))
    assert model.evaluate({"A Person": {"name": "Ada", "age of person": 36}}).result == "Hello Ada"
    evaluation = model.evaluate({"A Person": "Ada"})
    assert (evaluation.problems[0].kind, evaluation.problems[0].input) == (Kind.WRONG_TYPE, "A Person")


def test_imported_decisions_inputs_and_services_are_required_by_their_namespace() -> None:
    logic = "[my lib.Half Limit, my lib.limit, my lib.Limits(10)]"
    needed = [f"{LIBRARY}#limit"], [f"{LIBRARY}#Half Limit"], [f"{LIBRARY}#Limits"]
    model = load(using(decision("x", logic, *needed)))
    assert [(given.name, given.type.name) for given in model.inputs] == [("my lib.limit", "number")]
    for inputs in ({"my lib.limit": 4}, {"my lib": {"limit": 4}}, {"limit": 4}):
        assert (model.evaluate(inputs).result, model.evaluate(inputs).problems) == ([2, 4, 5], [])
    assert model.evaluate({}).problems[0].input == "my lib.limit"


def test_inputs_of_one_name_in_two_files_are_never_mixed_up() -> None:
    body = input_data("limit") + decision("x", "limit + my lib.limit", ["limit", f"{LIBRARY}#limit"])
    model = load(using(body))
    assert [given.name for given in model.inputs] == ["limit", "my lib.limit"]
    assert model.evaluate({"limit": 1, "my lib.limit": 2}).result == 3
    evaluation = model.evaluate({"limit": 1})
    assert [problem.input for problem in evaluation.problems if problem.kind == Kind.MISSING_INPUT] == ["my lib.limit"]


def test_an_import_without_a_name_brings_its_names_unqualified() -> None:
    body = input_data("who", "tPerson") + decision(
        "x",
        '[Say Hello(who), Half Limit, {name: "a"} instance of tPerson]',
        ["who", f"{LIBRARY}#limit"],
        [f"{LIBRARY}#Half Limit"],
        [f"{LIBRARY}#Say Hello"],
    )
    model = load(using(body, alias=""))
    who = {"name": "Ada", "age of person": 1}
    assert [given.name for given in model.inputs] == ["who", "limit"]
    assert model.evaluate({"who": who, "limit": 4}).result[:2] == ["Hello Ada", 2]


def test_a_file_that_is_imported_on_two_ways_is_one_file() -> None:
    def middle(name: str) -> bytes:
        element = decision("Greet", f'"{name} " + string(a.limit)', [f"{LIBRARY}#limit"])
        return dmn(imported(LIBRARY, "a"), element, namespace=f"urn:{name}")

    needed = [f"urn:{name}#Greet" for name in ("b", "c")]
    main = dmn(imported("urn:b", "B"), imported("urn:c", "C"), decision("x", "B.Greet + C.Greet", decisions=needed))
    model = mlc.dmn.load(main, imports={LIBRARY: library(), "urn:b": middle("b"), "urn:c": middle("c")})
    assert [given.name for given in model.inputs] == ["B.a.limit"]
    for inputs in ({"B": {"a": {"limit": 7}}}, {"limit": 7}):
        assert model.evaluate(inputs).result == "b 7c 7"


def test_an_imported_type_can_be_part_of_another_one() -> None:
    pair = item("tPair", item("one", "my lib.tPerson", "itemComponent"))
    model = load(using(pair, input_data("pair", "tPair"), decision("x", "pair.one.name", ["pair"])))
    assert model.evaluate({"pair": {"one": {"name": "Ada", "age of person": 1}}}).result == "Ada"
    assert model.evaluate({"pair": {"one": 5}}).problems[0].kind == Kind.WRONG_TYPE


def test_a_knowledge_model_can_require_an_imported_one() -> None:
    model = knowledge_model("Loud", ["p"], "upper case(my lib.Say Hello(p))", [f"{LIBRARY}#Say Hello"])
    call = decision("x", 'Loud({name: "Ada", age of person: 1})', knowledge=["Loud"])
    assert load(using(model, call)).evaluate({}).result == "HELLO ADA"


def test_a_reference_with_the_own_namespace_is_local() -> None:
    body = input_data("n") + decision("x", "n", ["urn:main#n"])
    assert mlc.dmn.load(dmn(body)).evaluate({"n": 1}).result == 1


# -- where files are looked for ------------------------------------------------------------


@pytest.mark.parametrize("location", [None, "lib.dmn", "./lib.dmn", "https://example.org/lib.dmn", "other.dmn"])
def test_an_imported_file_stands_beside_the_importing_one_by_location_or_namespace(tmp_path, location) -> None:
    (tmp_path / "lib.dmn").write_bytes(library())
    (tmp_path / "a broken one.dmn").write_bytes(b"<<<")
    body = decision("x", "my lib.limit", [f"{LIBRARY}#limit"])
    (tmp_path / "main.dmn").write_bytes(using(body, location=location))
    assert mlc.dmn.load(tmp_path / "main.dmn").evaluate({"limit": 4}).result == 4


def test_a_location_may_be_percent_encoded(tmp_path) -> None:
    (tmp_path / "my lib.dmn").write_bytes(library())
    (tmp_path / "main.dmn").write_bytes(using(decision("x", "1"), location="my%20lib.dmn"))
    mlc.dmn.load(tmp_path / "main.dmn")


@pytest.mark.parametrize(
    "location",
    ["../lib.dmn", "/etc/passwd", "sub/lib.dmn", "..%2Flib.dmn", "..\\lib.dmn", "C:\\lib.dmn", "..", "a%00b"],
)
def test_a_location_elsewhere_is_refused(tmp_path, location) -> None:
    for folder in (tmp_path, tmp_path / "sub", tmp_path / "main"):
        folder.mkdir(exist_ok=True)
        (folder / "lib.dmn").write_bytes(library())
    main = tmp_path / "main" / "main.dmn"
    main.write_bytes(using(decision("x", "1"), location=location))
    (problem,) = problems_of(main)
    assert (problem.kind, problem.place) == (Kind.REFERENCE, Place("main.dmn"))
    assert "only beside the one that imports it" in problem.message


def test_a_link_to_another_folder_is_not_followed(tmp_path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "lib.dmn").write_bytes(library())
    (tmp_path / "main" / "lib.dmn").symlink_to(tmp_path / "lib.dmn")
    main = tmp_path / "main" / "main.dmn"
    for location in (None, "lib.dmn"):
        main.write_bytes(using(decision("x", "1"), location=location))
        (problem,) = problems_of(main)
        assert "link to another folder" in problem.message


def test_a_file_is_never_fetched() -> None:
    (problem,) = problems_of(using(decision("x", "1"), location="http://127.0.0.1:9/lib.dmn"))
    assert "not fetched" in problem.message


def test_the_callers_files_come_first_by_location_or_namespace(tmp_path) -> None:
    (tmp_path / "lib.dmn").write_bytes(library(decision("y", "1")))
    given = tmp_path / "given.dmn"
    given.write_bytes(library())
    main = tmp_path / "main.dmn"
    main.write_bytes(using(decision("x", "my lib.limit", [f"{LIBRARY}#limit"]), location="lib.dmn"))
    for key, value in (("lib.dmn", library()), (LIBRARY, given), (LIBRARY, str(given))):
        assert mlc.dmn.load(main, imports={key: value}).evaluate({"limit": 3}).result == 3


# -- what is wrong with an import ------------------------------------------------------------


def test_a_missing_file_is_a_problem_and_so_is_what_needs_it() -> None:
    missing, reference = problems_of(using(decision("x", "1", [f"{LIBRARY}#limit"])))
    assert missing.message.startswith('the import "my lib" of urn:library is not among the files given')
    assert (reference.kind, reference.decision) == (Kind.REFERENCE, "x")


def test_a_file_of_another_namespace_is_a_problem() -> None:
    (problem,) = problems_of(using(decision("x", "1")), imports={LIBRARY: library(namespace="urn:other")})
    assert "is of urn:library" in problem.message


def test_a_type_language_other_than_dmn_is_a_problem() -> None:
    data = dmn(imported("urn:schema", "s", "types.xsd", kind="http://www.w3.org/2001/XMLSchema"), decision("x", "1"))
    (problem,) = problems_of(data)
    assert problem.kind == Kind.UNSUPPORTED


def test_problems_inside_an_imported_file_have_its_name(tmp_path) -> None:
    (tmp_path / "lib.dmn").write_bytes(library(decision("y", "1 +")))
    (tmp_path / "main.dmn").write_bytes(using(decision("x", "1")))
    (problem,) = problems_of(tmp_path / "main.dmn")
    assert problem.place == Place("lib.dmn", "y")


@pytest.mark.parametrize("data", [b"<html/>", b"<<", b'<!DOCTYPE a><definitions namespace="urn:library"/>'])
def test_an_imported_file_that_is_none_is_a_problem_with_its_name(tmp_path, data) -> None:
    (tmp_path / "lib.dmn").write_bytes(data)
    (tmp_path / "main.dmn").write_bytes(using(decision("x", "1"), location="lib.dmn"))
    (problem,) = problems_of(tmp_path / "main.dmn")
    assert problem.place.file == "lib.dmn"


def test_files_that_import_each_other_are_a_problem_with_the_circle(tmp_path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.dmn").write_bytes(
            dmn(imported(f"urn:{other}", other), decision(name, "1"), namespace=f"urn:{name}")
        )
    (problem,) = problems_of(tmp_path / "a.dmn", name=None)
    assert (problem.kind, problem.place.file) == (Kind.CYCLE, "c.dmn")
    assert problem.message.endswith("a.dmn -> b.dmn -> c.dmn -> a.dmn")


def test_a_file_that_imports_itself_is_a_problem(tmp_path) -> None:
    (tmp_path / "a.dmn").write_bytes(dmn(imported("urn:main", "me"), decision("x", "1")))
    (problem,) = problems_of(tmp_path / "a.dmn")
    assert problem.kind == Kind.CYCLE


def test_two_imports_of_one_name_are_a_problem() -> None:
    data = dmn(imported(LIBRARY, "l"), imported(LIBRARY, "l"), decision("x", "1"))
    (problem,) = problems_of(data, imports={LIBRARY: library()})
    assert problem.kind == Kind.DUPLICATE


def test_a_model_of_too_many_files_and_one_with_thousands_of_imports_end_quickly(tmp_path) -> None:
    start = time.process_time()
    for number in range(80):
        (tmp_path / f"{number}.dmn").write_bytes(
            dmn(imported(f"urn:{number + 1}", "next"), decision("x", "1"), namespace=f"urn:{number}")
        )
    (problem,) = problems_of(tmp_path / "0.dmn")
    assert (problem.kind, problem.message) == (Kind.HOSTILE, "the model is made of more than 50 files")
    many = "".join(imported(f"urn:nowhere:{number}", f"n{number}") for number in range(5_000))
    (tmp_path / "many.dmn").write_bytes(dmn(many, decision("x", "1")))
    assert len(problems_of(tmp_path / "many.dmn")) == 1_001
    assert time.process_time() - start < 20


def test_an_imported_file_that_is_too_large_is_refused(tmp_path) -> None:
    (tmp_path / "lib.dmn").write_bytes(library() + b" " * 20_000)
    (tmp_path / "main.dmn").write_bytes(using(decision("x", "1"), location="lib.dmn"))
    (problem,) = problems_of(tmp_path / "main.dmn", max_bytes=10_000)
    assert (problem.kind, problem.place.file) == (Kind.HOSTILE, "lib.dmn")


def test_a_function_of_an_imported_file_sees_its_own_file() -> None:
    elements = (
        knowledge_model("Inner", ["n"], "n + 1"),
        knowledge_model("Outer", ["n"], "Inner(n) * 10", ["Inner"]),
        decision("Table", function(["n"], "n * 2", "functionDefinition")),
    )
    body = decision("x", "[lib.Outer(1), lib.Table(4)]", decisions=[f"{LIBRARY}#Table"], knowledge=[f"{LIBRARY}#Outer"])
    assert load(using(body, alias="lib"), library(*elements)).evaluate({}).result == [20, 8]


def test_an_import_that_is_a_link_in_a_circle_is_a_problem(tmp_path) -> None:
    (tmp_path / "lib.dmn").symlink_to(tmp_path / "lib.dmn")
    main = tmp_path / "main.dmn"
    main.write_bytes(dmn(imported("urn:lib", "lib", location="lib.dmn"), decision("x", "1")))
    with pytest.raises(mlc.dmn.DmnError, match="lib"):
        mlc.dmn.load(main)
    with pytest.raises(OSError, match="symbolic links"):
        mlc.dmn.load(tmp_path / "lib.dmn")
