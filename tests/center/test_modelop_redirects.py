"""An address of the model centre that leads elsewhere is said with the one to set, and nothing is written to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.check import check_modelop
from mlc.center.modelop.settings import CenterSettings
from mlc.center.port import Center
from mlc.model.failure import Misdirected
from mlc.model.finding import Finding, Mark
from tests.fuzz.answering import Answer, Site, answering

STATUSES = [301, 302, 303, 307, 308]


@pytest.fixture
def site() -> Iterator[Site]:
    with answering() as running:
        yield running


def leading(site: Site, location: str, status: int = 301) -> CenterSettings:
    """A centre behind an address all of whose paths are elsewhere (``{path}``)."""
    site.answer = lambda _, path: Answer(status, b"", (("Location", location.format(path=path)),))
    return CenterSettings(url=f"{site.url}/model-manage/api")


@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_is_refused_with_the_address_to_set(site: Site, status: int) -> None:
    center = ModelOpCenter(leading(site, "https://centre.example.org{path}", status))
    try:
        with pytest.raises(Misdirected) as caught:
            await center.get_snapshot("0b9d1f6e-1111-4222-8333-444455556666")
    finally:
        await center.aclose()
    assert caught.value.address == "https://centre.example.org/model-manage/api"
    assert "it redirects to https://centre.example.org/model-manage/api: set MLC_CENTER_URL to that" in str(
        caught.value
    )
    assert len(site.requests) == 1


async def test_a_redirect_to_a_login_names_the_page_without_what_it_was_given(site: Site) -> None:
    center = ModelOpCenter(leading(site, "https://u:secret@sso.example.org/login?back=secret"))
    try:
        with pytest.raises(
            Misdirected, match=r"redirects to https://sso\.example\.org/login: is MLC_CENTER_URL"
        ) as caught:
            await center.get_snapshot("0b9d1f6e-1111-4222-8333-444455556666")
    finally:
        await center.aclose()
    assert "secret" not in str(caught.value)
    assert caught.value.address is None


async def nothing(_: Center) -> AsyncIterator[Finding]:
    for never in list[Finding]():
        yield never


async def test_the_check_says_which_address_to_set(site: Site) -> None:
    settings = leading(site, "https://centre.example.org{path}")
    found = [finding async for finding in check_modelop(settings, nothing)]
    assert [finding.mark for finding in found] == [Mark.WRONG]
    assert "set MLC_CENTER_URL to that" in found[0].remedy
    assert "https://centre.example.org/model-manage/api" in found[0].remedy


async def test_a_token_endpoint_that_leads_elsewhere_is_said_with_its_own_setting(site: Site) -> None:
    settings = leading(site, "https://centre.example.org{path}")
    token = {"token_url": f"{site.url}/oauth/token", "client_id": "mlc", "client_secret": "client-secret"}
    center = ModelOpCenter(CenterSettings.model_validate(settings.model_dump() | token))
    try:
        with pytest.raises(
            Misdirected, match=r"it redirects to https://centre\.example\.org/oauth/token: set MLC_CENTER_TOKEN_URL"
        ):
            await center.get_snapshot("0b9d1f6e-1111-4222-8333-444455556666")
    finally:
        await center.aclose()
    assert site.requests == ["POST /oauth/token"]
