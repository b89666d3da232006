"""What `mlc submit` does at the centre, with the token of a submitter's account."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from center_harness import TOKEN, no_temporal, served, settings_for
from pydantic import SecretStr

from mlc.center import NewFile
from mlc.center.modelop.center import ModelOpCenter
from mlc.model.asset import Asset, AssetKind
from mlc.model.failure import Refused
from mlc.model.snapshot import Model
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.access.accounts.account import AccountRole
from mlc.standalone.access.accounts.file import AccountFile
from mlc.standalone.center.app import create_app


@pytest.fixture(params=["embedded", "reference"])
async def centers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[dict[str, ModelOpCenter]]:
    """The centre as each of three accounts is let in, by name."""
    accounts = tmp_path / "accounts.jsonl"
    file = AccountFile(accounts)
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN))
    roles = {"ada": AccountRole.SUBMITTER, "bob": AccountRole.SUBMITTER, "rita": AccountRole.READER}
    with served(create_app(settings, connect=no_temporal, accounts=accounts)) as base:
        made = {}
        for name, role in roles.items():
            file.add(name, [role])
            how = settings_for(base, contents=request.param, standalone=request.param == "reference")
            made[name] = ModelOpCenter(how.model_copy(update={"token": SecretStr(file.issue(name, "laptop"))}))
        yield made
        for center in made.values():
            await center.aclose()


def files(folder: Path, text: str) -> list[NewFile]:
    source = folder / "model.py"
    source.write_text(text)
    return [NewFile(Asset(name="model.py", kind=AssetKind.SOURCE, role="MODEL_SOURCE"), source)]


async def test_a_submitter_submits_a_model_and_its_next_version_in_their_own_name(
    centers: dict[str, ModelOpCenter], tmp_path: Path
) -> None:
    ada, bob = centers["ada"], centers["bob"]
    first = await ada.save_model(Model(name="m"), files(tmp_path, "x = 1"))
    assert (await ada.create_snapshot(first.id, name="m-1", tags=["jira"])).author == "ada"
    [known] = await bob.find_models("m")
    second = await bob.save_model(known, files(tmp_path, "x = 2"))
    assert (second.id, second.author) == (first.id, "ada")
    snapshot = await bob.create_snapshot(second.id, name="m-2", stage="PROD")
    assert (snapshot.author, snapshot.model.author) == ("bob", "ada")


async def test_a_reader_submits_nothing(centers: dict[str, ModelOpCenter], tmp_path: Path) -> None:
    with pytest.raises(Refused):
        await centers["rita"].save_model(Model(name="m"), files(tmp_path, "x = 1"))
    assert await centers["rita"].find_models("m") == []
