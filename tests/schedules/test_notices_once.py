"""A notice is told once, also by a centre that drops the fields that it does not know."""

import pytest
from processes.office import Office
from temporalio.testing import ActivityEnvironment

from activities.notifications import Notice, NotificationActivities


@pytest.mark.parametrize("about", ["a snapshot", "nothing"])
@pytest.mark.parametrize("drops", [True, False])
async def test_a_notice_is_told_once(desk: Office, drops: bool, about: str) -> None:
    snapshot_id = await desk.snapshot() if about == "a snapshot" else ""
    message = f"Told {about}, fields dropped: {drops}"

    async def told() -> list[str]:
        return [n.id for n in await desk.center.list_notifications() if n.message == message]

    async def tell(key: str) -> None:
        notice = Notice(snapshot_id=snapshot_id, key=key, message=message)
        await ActivityEnvironment().run(NotificationActivities(desk.port).notify, notice)
        if drops:
            for id_ in await told():
                await desk.center.patch_notification(id_, {"mlcKey": None})

    await tell(f"first {message}")
    await tell(f"first {message}")
    assert len(await told()) == 1
    await tell(f"second {message}")
    assert len(await told()) == (1 if drops else 2)
    for id_ in await told():
        await desk.center.patch_notification(id_, {"open": False})
    await tell(f"third {message}")
    assert len(await told()) == (2 if drops else 3)
