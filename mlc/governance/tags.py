"""Tags that were meant for control tags: a step that somebody asked for and that nobody would do."""

import unicodedata
from collections.abc import Iterable

SHORTEST = 5
"""Letters of a control tag of which one may be wrong: of shorter ones, too many words are one letter away."""


def near_control_tags(
    tags: Iterable[str], control_tags: Iterable[str], *, not_control: Iterable[str] = ()
) -> dict[str, str]:
    """The tags that are no control tag but look like one, and which: ``{"run-test": "run_test"}``.

    One does that is equal to it but for case, ``-``, ``_``, spaces and what can't be seen; or, where it has at least
    five letters, that has one letter more, less or another, or two neighbours swapped.

    Args:
        not_control: tags that are meant as they are.
    """
    control, meant = [tag for tag in control_tags if _folded(tag)], set(not_control)
    found = {}
    for tag in tags:
        if tag not in control and tag not in meant:
            near = [name for name in control if _is_near(_folded(tag), _folded(name))]
            if near:
                found[tag] = near[0]
    return found


def _folded(tag: str) -> str:
    seen = unicodedata.normalize("NFKC", tag).casefold()
    return "".join(letter for letter in seen if letter.isprintable() and letter not in "-_ ")


def _is_near(tag: str, control: str) -> bool:
    return tag == control or (len(control) >= SHORTEST and _is_one_edit_away(tag, control))


def _is_one_edit_away(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(shorter) < len(longer):
        return shorter[same:] == longer[same + 1 :]
    rest_of_one, rest_of_other = shorter[same:], longer[same:]
    swapped = rest_of_one[1::-1] == rest_of_other[:2] and len(rest_of_one) >= 2
    return rest_of_one[1:] == rest_of_other[1:] or (swapped and rest_of_one[2:] == rest_of_other[2:])
