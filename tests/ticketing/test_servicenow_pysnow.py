"""What pysnow and ServiceNow do that would deceive the adapter: each trap, and that it is not walked into."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pysnow
import pytest
from desk_harness import LABEL, TOKEN, USER, Desks
from sites import ChangeSite

from mlc.model.failure import Misdirected, NotFound, Refused, Unavailable
from mlc.standalone.faults import Effect
from mlc.ticketing import Attachment, TicketRequest


@pytest.fixture
def change(desks: Desks) -> ChangeSite:
    return ChangeSite(desks.start())


def snow(change: ChangeSite) -> pysnow.Client:
    return pysnow.Client(host=change.desk.url.removeprefix("http://"), use_ssl=False, user=USER, password=TOKEN)


def test_pysnow_itself_reads_writes_and_deletes_at_the_desk(change: ChangeSite) -> None:
    changes = snow(change).resource(api_path="/table/change_request")
    made = changes.create({"short_description": "by hand", "correlation_id": "c-1"}).one()
    assert made["number"] == "CHG0030001"
    assert changes.get(query={"correlation_id": "c-1"}).one()["short_description"] == "by hand"
    changes.update(query={"sys_id": made["sys_id"]}, payload={"state": "-4"})
    changes = snow(change).resource(api_path="/table/change_request")
    assert changes.get(query={"number": made["number"]}, fields=["state"]).one() == {"state": "-4"}
    query = pysnow.QueryBuilder().field("number").starts_with("CHG").AND().field("state").equals("-4")
    assert [row["number"] for row in changes.get(query=query, stream=True).all()] == [made["number"]]
    assert changes.delete(query={"number": made["number"]})["status"] == "record deleted"
    assert snow(change).resource(api_path="/table/change_request").get(query={}).all() == []


def test_a_refusal_that_pysnow_would_keep_to_itself_is_raised(change: ChangeSite, question: TicketRequest) -> None:
    body = change.refusal % "no"
    change.desk.faults.add(Effect.ANSWER, method="POST", status=403, body=body, times=2)
    snow(change).resource(api_path="/table/change_request").create({"short_description": "lost"})  # not a word
    with pytest.raises(Refused, match="no"):
        change.adapter().create(question)


def test_no_parameter_of_one_request_is_left_in_the_next(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    tickets.find(LABEL)
    tickets.attach(ref, Attachment(name="a.json", content=b"{}"))
    tickets.comment(ref, "e", "said")
    other = tickets.create(question.model_copy(update={"label": "gov-other"}))
    assert other.key != ref.key
    assert other.label == "gov-other"
    assert set(tickets.get_many([ref, other])) == {LABEL, "gov-other"}


def test_threads_get_each_their_own_answer(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    labels = [f"gov-{n}" for n in range(8)]
    refs = [tickets.create(question.model_copy(update={"label": label})) for label in labels]
    gate = threading.Barrier(8)

    def look(n: int) -> bool:
        gate.wait(60)
        return all(tickets.find(labels[n]) == [refs[n]] for _ in range(5))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(look, range(8)))


@pytest.mark.parametrize("nothing", [False, True])
def test_a_query_that_servicenow_ignores_is_not_taken_for_nothing_found(
    change: ChangeSite, question: TicketRequest, nothing: bool
) -> None:
    """Whether a bad query finds all or nothing is a property of the instance; to believe either makes duplicates."""
    ref = change.adapter().create(question)
    change.desk.parts.records.invalid_finds_nothing = nothing
    tickets = change.adapter(label_field="u_no_such_field")
    if not nothing:
        with pytest.raises(Refused, match="MLC_SERVICENOW_LABEL_FIELD"):
            tickets.find(LABEL)
        with pytest.raises(Refused, match="MLC_SERVICENOW_LABEL_FIELD"):
            tickets.get_many([ref])
    with pytest.raises(Refused, match="did not keep our key"):
        tickets.create(question)


def test_half_an_answer_is_an_outage_not_all_there_is(change: ChangeSite, question: TicketRequest) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    cut = {"result": [], "error": {"message": "Transaction cancelled", "detail": "too slow"}, "status": "failure"}
    change.desk.faults.add(Effect.ANSWER, method="GET", status=200, body=json.dumps(cut), times=2)
    with pytest.raises(Unavailable):
        tickets.find(LABEL)
    with pytest.raises(Unavailable):
        tickets.get_many([ref])


def test_a_login_page_is_not_followed(change: ChangeSite, question: TicketRequest) -> None:
    change.desk.faults.add(Effect.ANSWER, method="POST", status=302, headers={"Location": "/api/now/table/incident"})
    with pytest.raises(Misdirected, match="does a page in between ask for a login"):
        change.adapter().create(question)
    assert change.desk.faults.requests == [f"POST {change.creation}"]


def test_records_that_we_may_not_see_are_no_sign_that_a_ticket_is_gone(
    change: ChangeSite, question: TicketRequest
) -> None:
    tickets = change.adapter()
    ref = tickets.create(question)
    change.desk.faults.add(Effect.ANSWER, method="GET", status=404, body=change.refusal % "")
    hidden = {"status": 200, "body": '{"result": []}', "headers": {"X-Total-Count": "71"}}
    change.desk.faults.add(Effect.ANSWER, method="GET", **hidden)
    with pytest.raises(NotFound, match="lost a role"):
        tickets.get(ref)


def test_a_search_goes_on_after_a_page_of_hidden_records(change: ChangeSite, question: TicketRequest) -> None:
    """The limit counts what access rules then take away, so an empty page need not be the last, nor mean none."""
    tickets = change.adapter()
    ref = tickets.create(question)
    hidden = {"status": 200, "body": '{"result": []}', "headers": {"X-Total-Count": "501"}}
    change.desk.faults.add(Effect.ANSWER, method="GET", **hidden)
    with pytest.raises(Refused, match="shows the account none"):
        tickets.find(LABEL)  # the desk's second page, from the 500th record on, is empty
    assert [request for request in change.desk.faults.requests if request.endswith("/change_request")][1:] == [
        "GET /api/now/table/change_request"
    ] * 2
    assert tickets.find(LABEL) == [ref]


def test_importing_the_adapter_does_not_load_pysnow() -> None:
    import subprocess
    import sys

    code = "import mlc.ticketing.servicenow, sys; sys.exit('pysnow' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], check=False).returncode == 0
