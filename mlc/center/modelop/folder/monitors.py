"""``monitors`` of ``metadata.json``: when the monitors run that the model's snapshots get."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from mlc.center.modelop.folder.sentences import shown
from mlc.center.modelop.monitors import CRON, ZONE
from mlc.model.monitor_plan import wanted_monitors
from mlc.model.schedule import Timing

MONITORS = "monitors"
_EXAMPLE = f'{{"{CRON}": "0 0 3 * * ?", "{ZONE}": "Europe/Vienna"}}'
_CLOSE = 0.6


class SaidOfMonitors:
    """What is said of a model's monitors.

    Args:
        said: the value of ``monitors``.
        methodology: the model's, which decides which monitors it gets.

    Attributes:
        timings: by the names of monitors.
        problems: a sentence, without the file's name, for all that is wrong.
    """

    def __init__(self, said: Any, methodology: str) -> None:
        self.timings: dict[str, Timing] = {}
        self.problems: list[str] = []
        self._known = wanted_monitors(methodology)[0]
        if not isinstance(said, dict):
            self.problems.append(f'must map names of monitors to schedules: {{"{self._known[1]}": {_EXAMPLE}}}.')
            return
        for name, each in said.items():
            problems = list(self._wrong(name, each))
            self.problems += [f"{shown(name, 60)}: {problem}" for problem in problems]
            if not problems:
                self.timings[name] = Timing(cron=each[CRON], time_zone=each.get(ZONE, ""))

    def _wrong(self, name: str, said: Any) -> Iterator[str]:
        if name not in self._known:
            close = get_close_matches(name[:200], self._known, n=1, cutoff=_CLOSE)
            meant = f"did you mean {close[0]}? " if close else ""
            yield f"{meant}The model gets no monitor of this name, but {', '.join(self._known)}."
        if not isinstance(said, dict):
            yield f"must say when it runs, {_EXAMPLE}, and is {shown(said, 60)}."
            return
        for key in said.keys() - {CRON, ZONE}:
            close = get_close_matches(key[:200], (CRON, ZONE), n=1, cutoff=_CLOSE)
            meant = f"did you mean {close[0]}?" if close else f"known are {CRON} and {ZONE}."
            yield f"{shown(key, 60)} is not known; {meant}"
        texts = {key: said[key] for key in (CRON, ZONE) if key in said}
        for key, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                yield f"{key} must be a text, as in {_EXAMPLE}, and is {shown(text, 60)}."
                return
        if CRON not in texts:
            yield f"has no {CRON}: write {_EXAMPLE}."
            return
        try:
            Timing(cron=texts[CRON], time_zone=texts.get(ZONE, "")).check()
        except ValueError as error:
            yield shown(str(error))
