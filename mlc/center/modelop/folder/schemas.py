"""A folder's Avro schemas: which is for inputs, which for outputs, and of which slot."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlc.center.modelop.folder.files import named
from mlc.center.modelop.folder.json_files import BadModelFolder, json_of

ENDING = ".avsc"

JsonObject = dict[str, Any]


class FolderSchemas:
    """The schemas of a folder.

    The source tells which is meant: ``# modelop.schema.0: rows.avsc``, even slots are inputs. Where it says nothing of
    inputs, or of outputs, those count whose names say so, and all other schemas are inputs'.

    Attributes:
        inputs: in the order of their slots, as ModelOp keeps them.
        outputs: the same.
    """

    def __init__(self, files: Mapping[str, Path], slots: Mapping[int, str], source: str) -> None:
        self.problems: list[str] = []
        self.notices: list[str] = []
        self._files = dict(files)
        meant = {slot: place for slot, name in sorted(slots.items()) if (place := self._place(slot, name, source))}
        others = [name for name in files if name.endswith(ENDING) and name not in meant.values()]
        by_name: tuple[list[str], list[str]] = ([], [])
        for name in others:
            by_name[bool(re.search("output", name, re.IGNORECASE))].append(name)
        self.inputs, self.outputs = (
            self._read([place for slot, place in meant.items() if slot % 2 == odd] or by_name[odd]) for odd in (0, 1)
        )
        if source and len(by_name[0]) > 1 and not any(slot % 2 == 0 for slot in meant):
            self.notices.append(
                f"{', '.join(by_name[0])} are {len(by_name[0])} input schemas; monitors need exactly one: write "
                f"# modelop.schema.0: {by_name[0][0]} into {source}."
            )

    def _place(self, slot: int, name: str, source: str) -> str | None:
        place = named(name, self._files, ENDING)
        if place is None:
            self.notices.append(
                f"{source} names the schema {name} for slot {slot}, which is not in the folder: "
                "the records of this slot can't be checked. Add the file, or mend the name."
            )
        return place

    def _read(self, names: list[str]) -> list[JsonObject]:
        return [entry for name in dict.fromkeys(names) if (entry := self._entry(name))]

    def _entry(self, name: str) -> JsonObject | None:
        try:
            definition = json_of(self._files[name], name, "mend the schema, an Avro record in JSON")
        except BadModelFolder as error:
            self.problems.append(str(error))
            return None
        if isinstance(definition, str):
            definition = {"type": definition}
        if not isinstance(definition, dict):
            self.problems.append(f"{name} must hold a JSON object: an Avro schema such as a record with its fields.")
            return None
        return {"name": name, "schemaDefinition": definition}
