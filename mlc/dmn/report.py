"""What a person reads about a decision model, and about an evaluation of one."""

from __future__ import annotations

from pathlib import Path

from .errors import DmnError, Problem
from .evaluation import Evaluation, MatchedRule
from .feel.values import text_of
from .model import MAX_BYTES, DecisionModel, load


def check_report(path: str | Path, dialect: str | None = None, max_bytes: int = MAX_BYTES) -> tuple[str, bool]:
    """Whether a file is a model that can be used, in words.

    The text lists every problem with its place, the decisions with their hit policies and outputs, and the inputs that
    they ask for with their types. `dialect` and `max_bytes` are as for `load`. Raises OSError when the file cannot
    be opened.
    """
    try:
        model = load(path, strict=False, dialect=dialect, max_bytes=max_bytes)
    except DmnError as error:
        return "\n".join([_head(path, error.problems), *(f"  {problem}" for problem in error.problems)]), False
    lines = [_head(path, model.problems), *(f"  {problem}" for problem in model.problems), "decisions"]
    lines[1:1] = ["  in Camunda's FEEL"] if model.dialect == "camunda" else []
    lines += [f"  {_decision(model, name)}" for name in model.decisions]
    for title, names in (("decision services", model.services), ("functions", model.functions)):
        lines += [title, *(f'  "{name}"' for name in names)] if names else []
    lines += ["inputs", *(f"  {given.name}: {given.type.name}" for given in model.inputs)]
    return "\n".join(lines), not model.problems


def _head(path: str | Path, problems: list[Problem]) -> str:
    count = len(problems)
    return f"{path}: {count or 'no'} problem{'' if count == 1 else 's'}"


def evaluation_report(evaluation: Evaluation) -> str:
    """The result, the rules that led to it and the problems, in words."""
    lines = [f"result: {text_of(evaluation.result, inner=True)}"]
    lines += ["matched rules" if evaluation.matched_rules else "no rule matched"]
    lines += [f"  {_rule(rule)}" for rule in evaluation.matched_rules]
    if evaluation.problems:
        lines += ["problems", *(f"  {_problem(problem)}" for problem in evaluation.problems)]
    return "\n".join(lines)


def _decision(model: DecisionModel, name: str) -> str:
    policy = model.hit_policy(name)
    text = f'"{name}": {policy}, outputs {", ".join(model.outputs(name))}' if policy else f'"{name}": no table'
    return text if name in model.top_decisions else f"{text} (required by another decision)"


def _rule(rule: MatchedRule) -> str:
    text = f'"{rule.decision}" rule {rule.index}'
    if rule.inputs:
        text += f", because {rule.inputs}"
    text += ": " + ", ".join(f"{name} {text_of(value, inner=True)}" for name, value in rule.outputs.items())
    note = rule.annotation or rule.description
    return f"{text} [{note}]" if note else text


def _problem(problem: Problem) -> str:
    return f"{problem.kind}: {problem}"
