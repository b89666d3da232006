"""What a job writes: as it was asked for, and as its model's process has made it."""

from collections.abc import Callable
from pathlib import PurePosixPath

from mlc.model.asset import Asset
from mlc.model.job import JobKind, JobRecord, default_output
from mlc.model.scored import SCORED_RECORDS
from mlc.runtime.collection import Made
from mlc.runtime.external import ExternalFiles
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.layout import Layout
from mlc.runtime.order import Order
from mlc.runtime.readable import as_it_is


def outputs_of(job: JobRecord) -> list[Asset]:
    """The outputs that a job was given, or else the usual one."""
    return job.outputs or [Asset(name=default_output(job.kind), format="JSON")]


def check_outputs(job: JobRecord, order: Order, most: int) -> None:
    """Make sure that a job's outputs go with its inputs.

    Args:
        most: how many there may be.

    Raises:
        ModelFailure: they don't.
    """
    ins, outs = len(order.inputs), len(order.outputs)
    if job.kind is JobKind.METRICS and (outs != 1 or order.outputs[0].format not in {"json", "jsonl"}):
        raise ModelFailure("A metrics job has exactly one output, of the format JSON.")
    if outs > most:
        raise ModelFailure(
            f"The job has {outs:,} outputs, more than the {most:,} that the runtime allows: raise "
            "MLC_RUNTIME_OUTPUT_FILE_LIMIT."
        )
    if outs not in {1, ins}:
        raise ModelFailure(f"The job has {ins} inputs and {outs} outputs: give one output, or one for each input.")


def ask_for_scored_records(order: Order, job: JobRecord) -> dict[str, bool]:
    """Let an order be for the input's records with their scores, if its job asks for that.

    Returns:
        What the job is to tell of it.

    Raises:
        ModelFailure: it has more than one input or output, so that nobody can tell which records and scores are meant.
    """
    if job.kind is not JobKind.SCORING or job.parameters.get(SCORED_RECORDS) is not True:
        return {}
    if len(order.inputs) != 1 or len(order.outputs) != 1:
        raise ModelFailure(f"Records are written with their scores ({SCORED_RECORDS}) of one input, to one output.")
    order.scored_records = True
    return {SCORED_RECORDS: True}


def try_outputs(job: JobRecord, files: ExternalFiles) -> None:
    """Make sure that a job's outputs can be written where they are to go, before anybody works for them. Blocking.

    Raises:
        ModelFailure: one can't.
    """
    for asset in outputs_of(job):
        if asset.address:
            files.try_out(asset, f"output {asset.name}")


def made_outputs(
    job: JobRecord, layout: Layout, order: Order, place: Callable[..., PurePosixPath] = as_it_is
) -> list[Made]:
    """The outputs where they lie now."""
    return [
        Made(_named(asset, file.name), place(layout, file, asset), file.name, embedded=_is_embedded(job, asset))
        for asset, file in zip(outputs_of(job), order.outputs, strict=True)
    ]


def _is_embedded(job: JobRecord, asset: Asset) -> bool:
    # Whoever asked for a test must be able to read its result in the job, wherever else it goes.
    return not asset.address or job.kind is JobKind.METRICS


def _named(output: Asset, name: str) -> Asset:
    """An output of the job under a name of its own, if it has none but that."""
    return output if output.address else output.model_copy(update={"name": name})
