"""Which of the model's extended Avro schemas belongs to which input and output of a job."""

from typing import Any

from mlc.center import wire
from mlc.runtime.harness.functions import ModelFailure
from mlc.runtime.layout import DataFile, Order


def add_schemas(order: Order, job: wire.Job) -> list[str]:
    """Give the files of an order their schemas, and say which are to be checked.

    One schema is for all inputs; several are for the inputs in their order; the same with outputs. Input schemas also
    tell what the columns of CSV files hold.

    Returns:
        What people should know.

    Raises:
        ModelFailure: the job asks for a check, and the schemas can't be told apart or there are none.
    """
    meta = job.model.stored_model.model_meta_data if job.model else wire.ModelMetaData()
    _pair(order.inputs, meta.input_schema, "input", check=bool(job.enable_input_schema_checking))
    if not job.enable_output_schema_checking:
        return []
    if order.kind != "scoring":  # an output schema describes scores
        return ["enableOutputSchemaChecking concerns scoring jobs only: it is passed over."]
    _pair(order.outputs, meta.output_schema, "output", check=True)
    return []


def _pair(files: list[DataFile], schemas: list[dict[str, Any]], what: str, *, check: bool) -> None:
    definitions = [schema.get("schemaDefinition") for schema in schemas]
    if len(definitions) == 1:
        definitions *= len(files)
    usable = len(definitions) == len(files) and all(isinstance(definition, dict) for definition in definitions)
    if usable:
        for file, definition in zip(files, definitions, strict=True):
            file.schema_, file.check = definition, check
    elif check:
        raise ModelFailure(
            f"The job asks for {what} schema checking with {len(files)} {what}s, and the model has {len(schemas)} "
            f"{what} schemas: give it one, or one for each."
        )
