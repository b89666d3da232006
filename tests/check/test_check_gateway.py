"""What `mlc check` says of the webhooks' secrets when there are two ticket systems."""

import os

import pytest

from mlc.check.gateway import check_gateway
from mlc.model.finding import Mark

GIVEN = '["a-secret"]'


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, [(Mark.WRONG, "No secret for Jira's webhooks")]),
        ({"SERVICENOW_URL": "https://s"}, [(Mark.WRONG, "No secret for Jira's"), (Mark.WRONG, "No secret for Serv")]),
        ({"SERVICENOW_WEBHOOK_SECRETS": GIVEN}, [(Mark.GOOD, "ServiceNow's webhooks are signed")]),
        (
            {"SERVICENOW_WEBHOOK_SECRETS": GIVEN, "JIRA_URL": "https://j"},
            [(Mark.WARNING, "No secret for Jira's"), (Mark.GOOD, "ServiceNow's webhooks are signed")],
        ),
        (
            {"JIRA_WEBHOOK_SECRETS": GIVEN, "SERVICENOW_URL": "https://s"},
            [(Mark.GOOD, "Jira's webhooks are signed"), (Mark.WARNING, "No secret for ServiceNow's")],
        ),
        (
            {"GATEWAY_WEBHOOK_TOKEN": "t", "SERVICENOW_URL": "https://s", "JIRA_URL": "https://j"},
            [(Mark.GOOD, "Jira's webhooks bear"), (Mark.GOOD, "ServiceNow's webhooks bear")],
        ),
    ],
)
async def test_each_ticket_system_that_is_used_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, variables: dict[str, str], said: list[tuple[Mark, str]]
) -> None:
    for name in [name for name in os.environ if name.startswith("MLC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    for name, value in ({"GATEWAY_TOKEN": "x"} | variables).items():
        monkeypatch.setenv(f"MLC_{name}", value)
    found = [finding async for finding in check_gateway()]
    assert [finding.mark for finding in found[:-1]] == [mark for mark, _ in said]
    assert all(finding.what.startswith(what) for finding, (_, what) in zip(found, said, strict=False))
