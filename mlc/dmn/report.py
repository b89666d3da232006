"""What a person reads about a decision model, and about an evaluation of one."""

from __future__ import annotations

from .errors import Problem
from .evaluation import Evaluation, MatchedRule
from .feel.values import text_of
from .model import DecisionModel


def model_lines(model: DecisionModel) -> list[str]:
    """The decisions with their hit policies and outputs, and the inputs that they ask for with their types."""
    lines = ["in Camunda's FEEL"] if model.dialect == "camunda" else []
    lines += ["decisions", *(f"  {_decision(model, name)}" for name in model.decisions)]
    for title, names in (("decision services", model.services), ("functions", model.functions)):
        lines += [title, *(f'  "{name}"' for name in names)] if names else []
    return [*lines, "inputs", *(f"  {given.name}: {given.type.name}" for given in model.inputs)]


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
