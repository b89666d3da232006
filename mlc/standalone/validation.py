"""What would become of a model folder: everything that can be told before anything is made of it."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel

from activities.matching import not_run, service_tags
from activities.monitor_needs import Columns
from activities.monitors import brings_labels_later, newest_monitor, plan_for
from mlc.center import Capability, NewFile
from mlc.center.modelop.folder import LARGEST_FOLDER, Examined, ModelFolder, examine, shown, unfit
from mlc.center.modelop.settings import CenterSettings
from mlc.center.port import Center
from mlc.data.headers import file_columns
from mlc.governance import PolicyError, near_control_tags, read_policy
from mlc.model.asset import AssetRole
from mlc.model.deployment import Runtime
from mlc.model.failure import NotFound
from mlc.model.monitor_plan import MonitorPlan, wanted_monitors
from mlc.model.required_libraries import RequirementsFile, read_requirements
from mlc.model.snapshot import Model, Schema, Snapshot
from mlc.settings import ProcessSettings, RuntimeSettings
from mlc.standalone.columns import column_warnings
from mlc.standalone.monitors import monitor_folders
from mlc.standalone.tables import TableReport, table_report
from mlc.ticketing.registry import review_tags, with_settings

_CLOSE = 0.75
LONGEST_PATH = 4_096
_PYTHON = Runtime(id="", name="this software's runtimes", platforms={"python": "3"})
_READ = (".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather")
_FORMATS = frozenset({"CSV", "JSON", "PARQUET", "ARROW"})
_DATA = frozenset({AssetRole.TEST_DATA, AssetRole.TRAINING_DATA})
_WATCHED = frozenset({AssetRole.BASELINE_DATA, AssetRole.COMPARATOR_DATA})


class FileReport(BaseModel):
    name: str
    role: str


class Report(BaseModel):
    """What was found in a folder. ``errors`` keep it from being submitted, ``warnings`` and ``hints`` do not.

    ``control_tags`` are the tags that ask for a step, and for which; ``service_tags`` are all others.
    """

    folder: str
    model: str = ""
    type: str = ""
    methodology: str = ""
    is_monitor: bool = False
    source: str = ""
    functions: dict[str, str] = {}
    files: list[FileReport] = []
    input_schemas: list[str] = []
    output_schemas: list[str] = []
    tables: list[TableReport] = []
    monitors: MonitorPlan | None = None
    monitor_schedules: dict[str, str] = {}
    """When those run of which the folder says it: cron expression, and perhaps time zone."""
    control_tags: dict[str, str] = {}
    service_tags: list[str] = []
    asked: bool = False
    """Whether a model centre said what there is; else what standalone mode has counts."""
    errors: list[str] = []
    warnings: list[str] = []
    hints: list[str] = []

    @property
    def right(self) -> bool:
        return not self.errors


@dataclass(frozen=True)
class Surroundings:
    """What a model would come to: runtimes, and the monitors that there are, by name."""

    runtimes: Sequence[Runtime] = (_PYTHON,)
    monitors: Mapping[str, Model] = field(
        default_factory=lambda: {name: folder.model for name, folder in monitor_folders().items()}
    )
    asked: bool = False
    truth: bool = True
    """Labels of what it scores may come later."""
    not_control: Collection[str] | None = ()
    """Tags that may look like a control tag, as the governance policy says; None: it will be asked later."""


async def surroundings(center: Center, methodology: str) -> Surroundings:
    """Ask a model centre for them."""
    there: dict[str, Model] = {}
    for name in wanted_monitors(methodology)[0]:
        if (monitor := await newest_monitor(center, name)) is not None:
            there[name] = monitor.model
    truth, exempt = brings_labels_later(center), await _not_control(center)
    return Surroundings(await center.list_runtimes(), there, asked=True, truth=truth, not_control=exempt)


async def _not_control(center: Center) -> Collection[str]:
    """The tags that the current policy exempts: none where there is no policy, or one that can't be read here."""
    if Capability.KEEPS_POLICY in center.capabilities:
        with suppress(NotFound, PolicyError):  # a centre of an earlier release; a policy of a later one
            kept = await center.read_policy()
            return () if kept is None else read_policy(kept.text).not_control
    return ()


@dataclass(frozen=True)
class Validated:
    """A folder that was looked at: the report, and what it holds if it can be read."""

    report: Report
    folder: ModelFolder | None
    tags: list[str]
    """All tags of the snapshot: the model's own, and those that were given beside."""


def validate(path: Path, tags: Sequence[str] = (), around: Surroundings | None = None) -> Validated:
    """Look at a folder as it would be submitted with these tags besides its own."""
    found = examine(path, largest=_largest())
    report = Report(folder=shown(path, LONGEST_PATH), errors=list(found.problems), warnings=list(found.notices))
    report.errors += [f"The tag {shown(tag, 60)} {problem}" for tag in tags if (problem := unfit(tag))]
    fit = [tag for tag in tags if not unfit(tag)]
    every = list(dict.fromkeys([*(found.folder.model.tags if found.folder else []), *fit]))
    if found.folder is not None:
        _Look(report, found, found.folder, every, around or Surroundings()).at_everything()
    return Validated(report, found.folder, every)


def _largest() -> int | None:
    """Bytes that a folder may have where it is to go; None where there is no limit to all of it."""
    settings = CenterSettings()
    return LARGEST_FOLDER if settings.contents == "embedded" and "url" in settings.model_fields_set else None


class _Look:
    def __init__(
        self, report: Report, found: Examined, folder: ModelFolder, tags: list[str], around: Surroundings
    ) -> None:
        self._report = report
        self._found = found
        self._model, self._files = folder
        self._tags = tags
        self._around = around
        self._settings = ProcessSettings()

    def at_everything(self) -> None:
        report, model = self._report, self._model
        report.model, report.type, report.methodology = model.name, model.type, model.methodology
        report.is_monitor, report.asked = model.is_monitor, self._around.asked
        report.files = [FileReport(name=file.asset.name, role=file.asset.role) for file in self._files]
        report.input_schemas = [schema.name for schema in model.input_schemas]
        report.output_schemas = [schema.name for schema in model.output_schemas]
        for source in (file.asset for file in self._files if file.asset.primary):
            report.source, report.functions = source.name, source.functions
        self._look_at_type()
        report.warnings += schema_warnings([*model.input_schemas, *model.output_schemas])
        report.errors += requirement_problems(self._of_role(AssetRole.REQUIRED_LIBRARIES))
        report.tables = [table_report(file) for file in self._of_role(AssetRole.TEST_RESULT_COMPARATOR)]
        for table in report.tables:
            report.errors += table.problems
            report.warnings += table.warnings
            report.hints += table.hints
        self._look_at_tags()
        if not model.is_monitor:
            self._look_at_steps()
            report.warnings += column_warnings(model, self._files)
            there, wanted = self._around.monitors, wanted_monitors(model.methodology)[0]
            snapshot = Snapshot(id="", model=model, assets=[file.asset for file in self._files])
            monitors = {name: there[name] for name in wanted if name in there}
            times = model.monitor_timings.items()
            report.monitor_schedules = {name: f"{time.cron} {time.time_zone}".strip() for name, time in times}
            reads_scored = self._settings.monitor_production == "scored"
            truth = reads_scored and self._around.truth
            report.monitors = plan_for(snapshot, monitors, columns_of(self._files), scored=reads_scored, truth=truth)

    def _of_role(self, *roles: str) -> list[NewFile]:
        return [file for file in self._files if file.asset.role in roles]

    def _look_at_type(self) -> None:
        if self._report.source and (sentence := not_run(self._model.type, self._around.runtimes)):
            self._report.errors.append(f"{self._report.source}: {sentence}")

    def _look_at_tags(self) -> None:
        settings = self._settings
        meanings = {
            settings.train_tag: "asks for training",
            settings.run_test_tag: "asks for a test",
            settings.review_tag: "asks for judgement and a review",
        }
        reviews = review_tags(with_settings(), settings)
        meanings |= {tag: f"asks for judgement and a review in {where}" for tag, where in reviews.items()}
        exempt = self._tags if self._around.not_control is None else self._around.not_control
        near = near_control_tags(self._tags, meanings, not_control=exempt)
        for tag in self._tags:
            if tag in meanings:
                self._report.control_tags[tag] = meanings[tag]
                continue
            self._report.service_tags.append(tag)
            if tag in near:
                meant = near[tag]
                self._report.errors.append(
                    f"The tag {shown(tag)!r} looks like {meant!r}, which {meanings[meant]}: write that, or leave it "
                    "out. If it is meant as it is, not_control in the governance policy has to name it."
                )
            elif tag not in exempt and (
                close := get_close_matches(_plain(tag), {_plain(known): known for known in meanings}, 1, _CLOSE)
            ):
                meant = next(known for known in meanings if _plain(known) == close[0])
                self._report.warnings.append(
                    f"The tag {shown(tag)!r} asks for no step: did you mean {meant!r}? As it is, it only says which "
                    "runtimes the model belongs to."
                )
            elif self._around.asked and not any(
                tag in service_tags(runtime, settings, set(meanings)) for runtime in self._around.runtimes
            ):
                self._report.warnings.append(
                    f"The tag {shown(tag)!r} is on no runtime of the model centre: batch jobs find the model by it, "
                    "and it says nothing of where the model is deployed. If it should, give it to a runtime."
                )

    def _look_at_steps(self) -> None:
        """Whether the model has what the steps need that its tags ask for."""
        settings, functions, errors = self._settings, self._report.functions, self._report.errors
        steps = (
            (settings.train_tag, "train", AssetRole.TRAINING_DATA),
            (settings.run_test_tag, "metrics", AssetRole.TEST_DATA),
        )
        for tag, purpose, role in steps if functions else ():
            if tag not in self._report.control_tags:
                continue
            if purpose not in functions:
                errors.append(
                    f"The tag {tag!r} {self._report.control_tags[tag]}, and {self._report.source} has no function for "
                    f"it: write # modelop.{purpose} above one, or leave the tag out."
                )
            if not self._of_role(role):
                errors.append(
                    f"The tag {tag!r} {self._report.control_tags[tag]}, and no file has the role {role}: call it so "
                    f'("{_example(role)}"), or give the role in metadata.json: "assets": {{"NAME": "{role}"}}.'
                )
        if functions and "score" not in functions:
            self._report.warnings.append(
                f"{self._report.source} has no score function: once deployed, the model can't answer. "
                "Write # modelop.score above one."
            )
        for asset in (file.asset for file in self._of_role(*_DATA)):
            if not asset.name.lower().removesuffix(".gz").endswith(_READ) and asset.format.upper() not in _FORMATS:
                self._report.warnings.append(
                    f"{asset.name} has the role {asset.role}, and a format that no job reads: make it CSV, JSON or "
                    "Parquet."
                )


def columns_of(files: Sequence[NewFile]) -> Columns:
    """The columns of the data that monitors may read, as far as a few bytes of each file tell them."""
    found = {}
    for asset, path in files:
        if path is not None and asset.role in _WATCHED and (columns := file_columns(path)) is not None:
            found[asset.role, asset.name] = columns
    return found


def requirement_problems(files: Sequence[NewFile]) -> list[str]:
    """A sentence for each line of the requirements that a runtime would refuse, as far as the settings here tell."""
    limit, found, problems = CenterSettings().text_limit, list[RequirementsFile](), list[str]()
    for asset, path in files:
        try:
            if path is None:
                continue
            with path.open("rb") as opened:
                content = opened.read(limit + 1)
        except OSError as error:
            problems.append(f"{asset.name} can't be read: {error.strerror}.")
            continue
        if len(content) > limit:
            problems.append(f"{asset.name} is larger than {limit} bytes: shorten it, or raise MLC_CENTER_TEXT_LIMIT.")
        else:
            found.append(RequirementsFile(asset.name, content))
    return [*problems, *read_requirements(found, own_files=RuntimeSettings().source_builds).problems]


def schema_warnings(schemas: Sequence[Schema]) -> list[str]:
    """A sentence for each schema that is no Avro schema, as far as that can be told here."""
    try:
        from fastavro import parse_schema
        from fastavro.schema import SchemaParseException, UnknownType
    except ModuleNotFoundError:  # what standalone mode brings
        return []
    warnings = []
    for schema in schemas:
        try:
            parse_schema(schema.definition or {}, {})
        except (
            SchemaParseException, UnknownType, ValueError, ArithmeticError, LookupError, TypeError, AttributeError,
            RecursionError,
        ) as error:  # fmt: skip
            why = shown(f"{type(error).__name__}: {error}")
            warnings.append(f"{schema.name} is no Avro schema ({why}): records can't be checked against it; mend it.")
    return warnings


def _plain(tag: str) -> str:
    return tag.casefold().replace("-", "_").replace(" ", "_")


def _example(role: str) -> str:
    return "test.csv" if role == AssetRole.TEST_DATA else "train.csv"
