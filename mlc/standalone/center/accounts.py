"""The centre as an account sees it: what it makes bears its name, and what it may make is its roles' to say."""

from collections.abc import Mapping
from typing import Any

from mlc.center.modelop.snapshots import DECISION_MARK, DEPLOY_MARK
from mlc.standalone.access.accounts.account import Account, AccountRole
from mlc.standalone.access.routes import NotAllowed
from mlc.standalone.center.entities import KINDS, Kind
from mlc.standalone.center.files.routes import Visitor
from mlc.standalone.center.listings import Page
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.service import ModelCenter

JsonObject = dict[str, Any]

_MODELS, _SNAPSHOTS = KINDS["storedModels"], KINDS["deployableModels"]
_SUBMITTED = (_MODELS, _SNAPSHOTS, KINDS["assets"])
"""What a submitter makes. All else are the processes' own notes, or what runs."""
_CREATOR = "createdBy"
_NOTES = (DEPLOY_MARK, DECISION_MARK)
"""What the processes write down with a snapshot: that they took it on, and what was decided about it."""


class AccountsCenter:
    """Has the verbs of :class:`~mlc.standalone.center.service.ModelCenter`, and raises ``NotAllowed`` besides.

    Who may read, and who may come here at all, is for :mod:`mlc.standalone.access.routes` to say.
    """

    def __init__(self, center: ModelCenter, account: Account) -> None:
        self._center = center
        self._account = account

    async def page(self, kind: Kind, where: Mapping[str, str] | None = None, **how: Any) -> Page:
        return await self._center.page(kind, where, **how)

    async def get(self, kind: Kind, entity_id: str, contents: Contents = Contents.EMBEDDED) -> JsonObject:
        return await self._center.get(kind, entity_id, contents)

    async def visitor(self) -> Visitor:
        return await self._center.visitor()

    async def create(self, kind: Kind, document: JsonObject) -> tuple[JsonObject, bool]:
        """Make an entity in the account's own name.

        Raises:
            NotAllowed: its roles don't include that, or the document says that somebody else made it.
        """
        if kind not in _SUBMITTED:
            self._require_operator(f"makes no {kind.plural}")
        self._check_notes(kind, document)
        if document.get(_CREATOR) not in (None, self._account.name):
            raise self._refusal(f"makes nothing in another name: leave {_CREATOR} out")
        document = document | {_CREATOR: self._account.name}
        if kind is _SNAPSHOTS and isinstance(model := document.get("storedModel"), dict):
            document["storedModel"] = model | {_CREATOR: await self._creator_of(model)}
        return await self._center.create(kind, document)

    async def patch(self, kind: Kind, entity_id: str, changes: JsonObject, *, version: int | None = None) -> JsonObject:
        """Change an entity. Who made it stays.

        Raises:
            NotAllowed: its roles don't include that: a submitter writes a model's next version, and no snapshot.
        """
        if kind is not _MODELS:
            self._require_operator(f"changes no {kind.plural}")
        return await self._center.patch(kind, entity_id, changes, version=version)

    async def delete(self, kind: Kind, entity_id: str) -> None:
        self._require_operator(f"deletes no {kind.plural}")
        await self._center.delete(kind, entity_id)

    async def _creator_of(self, model: JsonObject) -> str:
        """Who made the model that a snapshot is a copy of, as the centre knows it."""
        try:
            kept = await self._center.get(_MODELS, str(model.get("id") or ""), Contents.NONE)
        except NoSuchEntity:
            return self._account.name
        return str(kept.get(_CREATOR) or "")

    def _check_notes(self, kind: Kind, document: JsonObject) -> None:
        custom = (document.get("metaData") or {}).get("custom") if isinstance(document.get("metaData"), dict) else None
        if kind is _SNAPSHOTS and isinstance(custom, dict) and any(note in custom for note in _NOTES):
            self._require_operator("writes no notes of the processes' own")

    def _require_operator(self, does: str) -> None:
        if not self._account.may(AccountRole.OPERATOR):
            raise self._refusal(f"{does}: that takes an operator")

    def _refusal(self, does: str) -> NotAllowed:
        return NotAllowed(f"The account {self._account.name} {does}.")
