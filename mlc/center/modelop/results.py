"""Test results: values, what makes them reproducible, and what decision tables said of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from mlc.center.modelop import ids, wire
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.snapshots import moment
from mlc.model.breach import Breach
from mlc.model.moment import in_utc
from mlc.model.result import Provenance, Purpose, TestResultRecord
from mlc.model.verdict import RuleOutcome, TableFindings, TableOutcome, Verdict

_KIND, _RULE, _PROBLEM = "mlcKind", "rule", "problem"
"""What an entry of ``dmnRuleResults`` is. Those of before have no such field, nor have ModelOp's own."""
_VERDICT = "mlcVerdict"
"""Field of a test result for what ``dmnRuleResults`` has no room for. A centre may drop it."""
_BREACH = "mlcBreach"
"""Field of a monitor's test result. In a centre that drops it, each result begins a question of its own."""


def result_id(job_id: str) -> str:
    """The id of a job's test result: whoever keeps it again keeps the same one."""
    return str(uuid5(NAMESPACE_URL, f"modelTestResult|{job_id}"))


def read_result(result: wire.ModelTestResult, settings: CenterSettings) -> TestResultRecord:
    snapshot_id = wire.value(result, settings.result_snapshot_field)
    job_id = wire.value(result, settings.result_job_field)
    return TestResultRecord(
        id=ids.encode(result.id),
        snapshot_id=ids.encode(snapshot_id) if isinstance(snapshot_id, str) else "",
        job_id=ids.encode(job_id) if isinstance(job_id, str) and job_id else None,
        created=moment(result.created_date),
        purpose=_purpose(result, settings),
        monitor=_monitor(wire.value(result, settings.result_monitor_field)),
        values=result.test_results,
        provenance=read_provenance(result.provenance),
        verdict=read_verdict(result.dmn_rule_results, wire.value(result, _VERDICT)),
        breach=_breach(wire.value(result, _BREACH)),
    )


def written_result(result: TestResultRecord, settings: CenterSettings) -> wire.ModelTestResult:
    """A result to be kept. Its verdict comes later, see ``written_verdict``."""
    fields: dict[str, Any] = {
        "id": result_id(result.job_id) if result.job_id else ids.decode(result.id),
        settings.result_snapshot_field: ids.decode(result.snapshot_id),
        "test_results": result.values,
        "provenance": written_provenance(result.provenance)
        | ({} if result.purpose is Purpose.OWN else {"purpose": result.purpose.value}),
    }
    if result.monitor:
        fields[settings.result_monitor_field] = result.monitor
    if result.job_id:
        fields[settings.result_job_field] = ids.decode(result.job_id)
    return wire.ModelTestResult(**fields)


def read_provenance(document: Mapping[str, Any]) -> Provenance:
    """What is known of how a result came about; whatever somebody else wrote there in another way is not."""
    return Provenance(
        job_id=_text(document.get("jobId")) or "",
        parameters=_object(document.get("jobParameters")),
        runtime=_text(document.get("runtime")),
        versions=_object(document.get("versions")) or None,
        source=_hashes(document.get("source")),
        inputs=_hashes(document.get("inputs")),
        artefacts=_hashes(document.get("artefacts")),
        read=_texts(document.get("inputNames")),
        choice=_text(document.get("inputChoice")) or "",
    )


def written_provenance(provenance: Provenance) -> dict[str, Any]:
    return {
        "jobId": provenance.job_id,
        "jobParameters": provenance.parameters,
        "runtime": provenance.runtime,
        "versions": provenance.versions,
        "source": provenance.source,
        "inputs": provenance.inputs,
        "artefacts": provenance.artefacts,
        "inputNames": provenance.read,
        "inputChoice": provenance.choice,
    }


def read_verdict(outcomes: Sequence[Mapping[str, Any]], whole: Any = None) -> Verdict | None:
    """What was said of a result, from ``dmnRuleResults`` and the field beside it; None if it was not judged."""
    rules: list[RuleOutcome] = []
    problems: list[str] = []
    for outcome in outcomes:
        rule = None if _is_problem(outcome) else _rule(outcome)
        if rule is None:
            problems.append(str(outcome.get("reason")))
        else:
            rules.append(rule)
    known = _object(whole)
    if not outcomes and not known:
        return None
    passed = not problems and not any(rule.passes is False for rule in rules)
    warnings, judged_at = known.get("warnings"), known.get("judgedAt")
    return Verdict(
        judged=known.get("judged") is not False,
        # What stands there may only make a yes a no.
        passed=passed and known.get("passed") is not False,
        rules=rules,
        problems=problems,
        warnings=[str(warning) for warning in warnings] if isinstance(warnings, list) else [],
        judged_at=_moment(judged_at),
        tables=list(_tables(known.get("tables"))),
        findings=_findings(known.get("findings")),
    )


def written_verdict(verdict: Verdict) -> dict[str, Any]:
    """What changes on a test result that was judged."""
    rules = [{"testCategory": rule.category, **rule.model_dump(mode="json"), _KIND: _RULE} for rule in verdict.rules]
    problems = [
        {"testCategory": "", "passes": False, "reason": problem, _KIND: _PROBLEM} for problem in verdict.problems
    ]
    whole = {
        "judged": verdict.judged,
        "passed": verdict.passed,
        "warnings": verdict.warnings,
        "judgedAt": verdict.judged_at.isoformat() if verdict.judged_at else None,
        "tables": [table.model_dump(mode="json") for table in verdict.tables],
        "findings": verdict.findings.model_dump(mode="json") if verdict.findings else None,
    }
    return {"dmnRuleResults": rules + problems, _VERDICT: whole}


def written_breach(breach: Breach | None) -> dict[str, Any]:
    """What changes on a monitor's result whose question is known."""
    return {_BREACH: breach.model_dump(mode="json") if breach else None}


def _breach(kept: Any) -> Breach | None:
    with suppress(ValidationError):
        return Breach.model_validate(kept) if isinstance(kept, dict) else None
    return None


def _monitor(field: Any) -> str:
    """The name of the monitor that made a result: as it was written here, or of the monitor's own document."""
    if isinstance(field, str):
        return field
    stored = _object(_object(field).get("storedModel"))
    return _text(_object(stored.get("modelMetaData")).get("name")) or ""


def _moment(value: Any) -> datetime | None:
    try:
        return in_utc(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _purpose(result: wire.ModelTestResult, settings: CenterSettings) -> Purpose:
    if settings.result_monitor_field in (result.model_extra or {}):
        return Purpose.MONITOR
    stated = result.provenance.get("purpose")
    if stated is None:
        return Purpose.OWN
    return Purpose(stated) if isinstance(stated, str) else Purpose.UNKNOWN


def _is_problem(outcome: Mapping[str, Any]) -> bool:
    if _KIND in outcome:
        return bool(outcome[_KIND] != _RULE)
    # As it was told before there were kinds. ModelOp's own entries are rules that tell neither table nor number.
    return "table" not in outcome and outcome.get("passes") is False and not outcome.get("testCategory")


def _rule(outcome: Mapping[str, Any]) -> RuleOutcome | None:
    fields = {name: value for name, value in outcome.items() if value is not None}
    fields["category"] = fields.get("category") or fields.get("testCategory") or ""
    try:
        return RuleOutcome.model_validate({"table": "", "rule": 0, **fields})
    except ValidationError:
        return None


def _tables(listed: Any) -> Iterator[TableOutcome]:
    for table in listed if isinstance(listed, list) else []:
        with suppress(ValidationError):
            yield TableOutcome.model_validate(table)


def _findings(found: Any) -> TableFindings | None:
    with suppress(ValidationError):
        return TableFindings.model_validate(found) if isinstance(found, dict) else None
    return None


def _hashes(value: Any) -> dict[str, str]:
    return dict(_pairs(value)) if isinstance(value, dict) else {}


def _pairs(value: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for name, digest in value.items():
        yield str(name), str(digest)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
