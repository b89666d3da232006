"""Ids of the centre as the rest of the project has them: opaque texts, safe in workflow ids and addresses.

Letters, digits and ``-._`` stand for themselves, so that a UUID stays as it is; any other character is its bytes in
UTF-8, each as ``~`` and two hexadecimal digits. Every id has one such text, and every such text one id.
"""

import re
from urllib.parse import quote

from mlc.center.modelop.answers import SYSTEM
from mlc.model.base import LONGEST_ID
from mlc.model.failure import NotFound

_OTHER = re.compile(r"[^A-Za-z0-9._-]")
_DOTS = frozenset({".", ".."})
_TEXT = re.compile(r"(?:[A-Za-z0-9._-]|~[0-9A-F]{2})+")
_ESCAPED = re.compile(rb"~([0-9A-F]{2})")


def encode(centre_id: str | None) -> str:
    """The text for an id of the centre; empty if there is none."""
    if centre_id in _DOTS:  # which would lead to another address
        return str(centre_id).replace(".", "~2E")
    return _OTHER.sub(_escape, centre_id or "")


def decode(text: str) -> str:
    """The centre's id.

    Raises:
        NotFound: the text is of no id that could exist.
    """
    if _TEXT.fullmatch(text) and text not in _DOTS:
        try:
            found = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode()).decode()
        except UnicodeDecodeError:
            found = ""
        if found and encode(found) == text:
            return found
    raise NotFound(SYSTEM, f"There is nothing with the id {text[:100]!r}: ids hold letters, digits and -._~ only.")


def path(collection: str, centre_id: str) -> str:
    """The address of an entity below model-manage's.

    Raises:
        NotFound: the id could lead elsewhere, or is too long to be one.
    """
    if not centre_id or centre_id in _DOTS or len(centre_id) > LONGEST_ID or not _writable(centre_id):
        raise NotFound(SYSTEM, f"There is nothing in {collection} with such an id: it holds letters, digits, hyphens.")
    return f"{collection}/{quote(centre_id, safe='')}"


def _escape(match: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in match[0].encode(errors="replace"))


def _writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
