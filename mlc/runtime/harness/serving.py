"""Online scoring: one request after another, each with one record or many, and the trial before the first."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from .calling import required_parameters
from .faults import InputCheck, InputFault, fault_of
from .functions import ModelCode, ModelFailure
from .markers import takes_together
from .plain import Nulled
from .scoring import answers
from .trial import Example, find_example, find_example_of_each, shown


class OnlineScoring:
    """Answers the requests of the runtime. A record that fails is an answer, too; the model stays loaded.

    Args:
        order: see :class:`mlc.runtime.order.Order`. Its inputs are the model's test data.

    Raises:
        ModelFailure: the model has no score function.
    """

    def __init__(self, model: ModelCode, order: Mapping[str, Any]) -> None:
        self._model = model
        self._function = model.required("score")
        self.notes: list[str] = []
        schema = order["record_schema"]
        names = required_parameters(self._function)
        # Examples are read before the model's own code runs: it could change the files.
        if takes_together(names):  # what callers send holds a record of each input, of which the schema tells but one
            self._check = None
            self._example = find_example_of_each(names, order["inputs"], self.notes)
        else:
            self._check = self._new_check(schema) if order["check_records"] and schema is not None else None
            self._example = find_example(order["inputs"], schema, self.notes)

    @property
    def trial(self) -> dict[str, str] | None:
        """What the model will be tried on: ``origin`` and ``record``, for people. None if there is nothing."""
        return {"origin": self._example.origin, "record": shown(self._example.record)} if self._example else None

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to ``{"trial": true}``, or to ``{"records": [...]}``: an outcome for each, in their order."""
        if request.get("trial"):
            return {"event": "tried", **self._try(self._example)}
        return {"event": "scored", "outcomes": [self._outcome(record) for record in request["records"]]}

    def _new_check(self, schema: Mapping[str, Any]) -> InputCheck | None:
        try:
            return InputCheck(schema)
        except ModelFailure as failure:
            self.notes.append(f"Online records are not checked. {failure}")
            return None

    def _try(self, example: Example | None) -> dict[str, Any]:
        """Score the example. Where the whole record fails, the same is tried without the labels, as callers send it."""
        if example is None:
            return {"outcome": "not tried"}
        tried = self._outcome(deepcopy(example.record), checked=False)
        sent = example.record
        if tried["outcome"] != "scored" and example.without_labels is not None:
            again = self._outcome(deepcopy(example.without_labels), checked=False)
            tried, sent = (again, example.without_labels) if again["outcome"] == "scored" else (tried, sent)
        if tried["outcome"] == "scored" and not [result for result in tried["results"] if result is not None]:
            return {"outcome": "failed", "message": "The model gave no answer to it.", "traceback": ""}
        if tried["outcome"] == "scored" and self._check and (fault := self._check.fault(sent)):
            refused = f"Callers who send such a record are refused: {fault}"
            return {**tried, "warning": " ".join(filter(None, (tried.get("warning"), refused)))}
        return tried

    def _outcome(self, record: Any, *, checked: bool = True) -> dict[str, Any]:
        """What becomes of a record; a ``warning`` says where an answer has null for what JSON can't hold."""
        nulled, notes = Nulled(), list[str]()
        record = self._check.as_declared(record) if checked and self._check else record
        given = dict(record) if isinstance(record, dict) else record  # the model may change it
        try:
            if checked and self._check and (fault := self._check.fault(record)):
                return _refused(fault)
            results = list(answers(self._model, self._function, record, nulled))
            nulled.note(notes)
            return {"outcome": "scored", "results": results} | ({"warning": f"{notes[0]}."} if notes else {})
        except ModelFailure as failure:
            # `failures` raises it in the place of the model's own exception, which Python keeps as its context.
            blamed = None if self._check or not checked else fault_of(failure.__context__, record, given, self._example)
            if blamed:
                return _refused(blamed)
            return {"outcome": "failed", "message": str(failure), "traceback": failure.trace}


def _refused(fault: InputFault) -> dict[str, Any]:
    return {"outcome": "refused", "message": str(fault), "columns": fault.columns}
