"""Which of the model's extended Avro schemas belongs to which input and output of a job, and to an online record."""

from mlc.model.asset import AssetRole
from mlc.model.job import JobRecord
from mlc.model.snapshot import Model, Schema, Snapshot
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.layout import Layout
from mlc.runtime.order import DataFile, Order


def add_schemas(order: Order, job: JobRecord) -> list[str]:
    """Give the files of an order their schemas, and say which are to be checked.

    One schema is for all inputs; several are for the inputs in their order; the same with outputs. Input schemas also
    tell what the columns of CSV files hold.

    Returns:
        What people should know.

    Raises:
        ModelFailure: the job asks for a check, and the schemas can't be told apart or there are none.
    """
    model = job.snapshot.model if job.snapshot else Model()
    _pair(order.inputs, model.input_schemas, "input", check=job.check_input_schema)
    if not job.check_output_schema:
        if order.kind == "scoring":  # of which an output without records has its columns
            _pair(order.outputs, model.output_schemas, "output", check=False)
        return []
    if order.kind != "scoring":  # an output schema describes scores
        return ["Checking of output schemas concerns scoring jobs only: it is passed over."]
    _pair(order.outputs, model.output_schemas, "output", check=True)
    return []


def add_online_data(order: Order, layout: Layout, model: Snapshot, *, check: bool) -> None:
    """Give an online order the model's test data, and the schema of the records that callers send: its first one."""
    schemas = model.model.input_schemas
    order.record_schema = schemas[0].definition if schemas else None
    order.check_records = check
    order.inputs = layout.data(model.with_role(AssetRole.TEST_DATA))
    for file in order.inputs:
        file.schema_ = order.record_schema


def _pair(files: list[DataFile], schemas: list[Schema], what: str, *, check: bool) -> None:
    definitions = [schema.definition for schema in schemas]
    if len(definitions) == 1:
        definitions *= len(files)
    usable = len(definitions) == len(files) and None not in definitions
    if usable:
        for file, definition in zip(files, definitions, strict=True):
            file.schema_, file.check = definition, check
    elif check:
        raise ModelFailure(
            f"The job asks for {what} schema checking with {len(files)} {what}s, and the model has {len(schemas)} "
            f"{what} schemas: give it one, or one for each."
        )
