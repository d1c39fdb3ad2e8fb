"""Every event of SES, in the forms in which it was ever seen; ten types and the older shape."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.receipts import ses_events
from services.tracking.receipts.contract import ReceiptFault, moment, status_code
from services.tracking.receipts.ses import reader
from services.tracking.receipts.ses_events import fact, recipients
from services.tracking.words import EventWord
from tests.tracking.receipts.signing import PAYLOADS, payload

# The ten of the API reference, "Event destinations", as they are written in an event.
TEN = {
    *("Send", "Reject", "Bounce", "Complaint", "Delivery", "Open", "Click"),
    *("Rendering Failure", "DeliveryDelay", "Subscription"),
}
EVENTS = {path.stem: json.loads(path.read_text()) for path in (PAYLOADS / "ses").glob("*.json")}


def said(name: str) -> dict[str, Any]:
    return copy.deepcopy(EVENTS[name])


def a_bounce(kind: str, finer: str, *bounced: dict[str, Any]) -> dict[str, Any]:
    event = said("bounce_permanent")
    event["bounce"] |= {
        "bounceType": kind,
        "bounceSubType": finer,
        "bouncedRecipients": [{"emailAddress": "a@office.example"} | one for one in bounced],
    }
    return event


def test_there_is_a_payload_of_every_type() -> None:
    assert {str(one.get("eventType")) for one in EVENTS.values()} >= TEN


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("bounce_permanent", "5.1.1"),
        ("bounce_mislabelled", "5.4.4"),
        ("bounce_mailbox_full", "4.2.2"),
        ("bounce_auto_reply", None),
        ("bounce_undetermined", None),
        ("delivery_delay", "4.4.1"),
        ("send", None),
    ],
)
def test_the_enhanced_status_is_told(name: str, status: str | None) -> None:
    found = fact(said(name))

    assert found is not None
    assert found.status == status


@pytest.mark.parametrize(
    ("kind", "finer", "bounced", "word", "reason", "status"),
    [
        # Every type and subtype of the developer guide, "Bounce types".
        ("Undetermined", "Undetermined", [{}], "bounced", "undetermined", None),
        ("Permanent", "General", [{"status": "5.1.1"}], "bounced", "hard", "5.1.1"),
        ("Permanent", "NoEmail", [{}], "bounced", "no_such_mailbox", None),
        ("Permanent", "Suppressed", [{}], "suppressed", "global_stop_list", None),
        ("Permanent", "OnAccountSuppressionList", [{}], "suppressed", "own_stop_list", None),
        ("Transient", "MailboxFull", [{"status": "4.2.2"}], "bounced", "mailbox_full", "4.2.2"),
        ("Transient", "MessageTooLarge", [{}], "bounced", "message_too_large", None),
        ("Transient", "ContentRejected", [{}], "bounced", "content_rejected", None),
        ("Transient", "AttachmentRejected", [{}], "bounced", "attachment_rejected", None),
        # What SES may yet invent.
        ("Permanent", "Invented", [{}], "bounced", "hard", None),
        ("Transient", "Invented", [{}], "bounced", "soft", None),
        ("Invented", "General", [{}], "bounced", "undetermined", None),
        # Transient/General is three things: the status tells, and where it is blank the words do.
        ("Transient", "General", [{}], "auto_replied", "out_of_office", None),
        ("Transient", "General", [{"status": ""}], "auto_replied", "out_of_office", None),
        ("Transient", "General", [{"diagnosticCode": ""}], "auto_replied", "out_of_office", None),
        ("Transient", "General", [{"status": "4.4.7"}], "expired", "gave_up", "4.4.7"),
        (
            *("Transient", "General"),
            [{"status": "5.3.0", "diagnosticCode": "smtp; 550 denied"}],
            *("bounced", "hard", "5.3.0"),
        ),
        (
            *("Transient", "General"),
            [{"status": "", "diagnosticCode": "smtp; 550 5.4.4 Invalid domain"}],
            *("bounced", "hard", "5.4.4"),
        ),
        (
            *("Transient", "General"),
            [{"status": "4.2.2", "diagnosticCode": "smtp; 550 5.2.2 full"}],
            *("expired", "gave_up", "4.2.2"),
        ),
        (
            *("Transient", "General"),
            [{"status": "5.1.1"}, {"status": "4.4.7"}],
            *("expired", "gave_up", "5.1.1"),
        ),
    ],
)
def test_a_bounce_is_told_by_its_drawer_and_its_status(
    kind: str, finer: str, bounced: list[dict[str, Any]], word: str, reason: str, status: str | None
) -> None:
    found = fact(a_bounce(kind, finer, *bounced))

    assert found is not None
    assert (found.word, found.reason, found.status) == (word, reason, status)


@pytest.mark.parametrize(
    "changed",
    ['"test."@office.example', "<a@office.example>", "A@OFFICE.EXAMPLE", "rfc822;a@office.example"],
)
def test_an_address_that_a_server_changed_changes_nothing(changed: str) -> None:
    event = said("bounce_permanent")
    event["bounce"]["bouncedRecipients"][0]["emailAddress"] = changed

    assert fact(event) == fact(said("bounce_permanent"))


def test_a_complaint_that_lists_everyone_at_the_domain_is_one_fact() -> None:
    event = said("complaint")
    everyone = [{"emailAddress": f"{name}@office.example"} for name in "abc"]
    event["complaint"]["complainedRecipients"] = everyone

    assert fact(event) == fact(said("complaint"))
    assert recipients(event) == ["a@office.example", "b@office.example", "c@office.example"]


def test_what_an_earlier_complaint_withholds_was_not_complained_of() -> None:
    event = said("complaint")
    event["complaint"] |= {"complaintSubType": "OnAccountSuppressionList"}

    found = fact(event)

    assert found is not None
    assert (found.word, found.reason) == (EventWord.SUPPRESSED, "own_stop_list")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, ["minister@office.example"]) for name in ("send", "delivery", "bounce_permanent")),
        *((name, ["minister@office.example"]) for name in ("complaint", "delivery_delay", "open")),
        ("identity_notification", ["minister@office.example"]),
    ],
)
def test_an_event_names_whom_it_is_about(name: str, expected: list[str]) -> None:
    assert recipients(said(name)) == expected


@pytest.mark.parametrize("name", ["bounce_permanent", "complaint", "delivery"])
def test_the_older_shape_tells_the_same(name: str) -> None:
    event = said(name)
    older = {"notificationType": event.pop("eventType"), **event}
    for left_out in ("tags", "headers", "commonHeaders"):
        older["mail"].pop(left_out, None)

    assert fact(older) == fact(said(name))


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_fields_that_are_new_change_nothing(name: str) -> None:
    assert fact(with_news(said(name))) == fact(said(name))


def with_news(said: Any) -> Any:
    """The same with a field more in every object."""
    if isinstance(said, list):
        return [with_news(one) for one in said]
    if not isinstance(said, dict):
        return said
    return {key: with_news(one) for key, one in said.items()} | {"newly": {"invented": [1]}}


@pytest.mark.parametrize(
    "written",
    [
        "2018-10-08T14:05:45.000Z",
        "2018-10-08T14:05:45Z",
        "2018-10-08T14:05:45 +0000",
        "2018-10-08T14:05:45+00:00",
        "2018-10-08T07:05:45.000-07:00",
        "2018-10-08T07:05:45 -0700",
        "2018-10-08 14:05:45Z",
        "2018-10-08 14:05:45 +0000",
        "2018-10-08T14:05:45.000000000Z",
        " 2018-10-08T14:05:45.000Z\n",
        "2018-10-08T14:05:45",
        "20181008T140545Z",
    ],
)
def test_a_moment_is_read_however_it_is_written(written: str) -> None:
    found = moment(written)

    assert found is not None
    assert found.isoformat() == "2018-10-08T14:05:45+00:00"


def test_a_time_that_cannot_be_read_gives_way_to_the_emails_own() -> None:
    event = said("delivery")
    event["delivery"]["timestamp"] = "noon"

    found = fact(event)

    assert found is not None
    assert found.occurred_at == moment(event["mail"]["timestamp"])


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("5.1.1", "5.1.1"),
        ("smtp; 550 5.1.1 user unknown", "5.1.1"),
        ("550-5.7.1 [192.0.2.7 12] our policy\n550 5.7.1 see", "5.7.1"),
        ("550 #5.1.0 Address rejected", "5.1.0"),
        ("550 sorry, no mailbox here by that name. (#5.1.1)", "5.1.1"),
        ("452 4.2.2. The mailbox is full", "4.2.2"),
        ("250 2.6.0 <id@host.example> Queued mail for delivery", "2.6.0"),
        ("550 5.7.509 Access denied", "5.7.509"),
        ("550 blocked: 5.6.7.8 is on a list", None),
        ("550 blocked: 192.5.6.7", None),
        ("version 3.1.2", None),
        ("550 rejected", None),
        ("5.1.12345", None),
        ("", None),
        (None, None),
        (511, None),
    ],
)
def test_a_status_code_is_found_in_a_servers_words(words: object, status: str | None) -> None:
    assert status_code(words) == status


A_VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats()
A_LIST = st.lists(A_VALUE | st.dictionaries(st.text(max_size=8), A_VALUE, max_size=3), max_size=3)
ANYTHING = A_VALUE | A_LIST | st.dictionaries(st.text(max_size=8), A_VALUE | A_LIST, max_size=3)


@given(name=st.sampled_from(sorted(EVENTS)), data=st.data())
def test_whatever_stands_where_something_else_should_nothing_breaks(
    name: str, data: st.DataObject
) -> None:
    event = said(name)
    place: Any = event
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(ANYTHING)

    found = fact(event)
    named = recipients(event)

    assert found is None or found.word in EventWord
    assert found is None or found.status is None or len(found.status) <= 16
    assert found is None or found.reason is None or len(found.reason) <= 64
    assert all(isinstance(one, str) for one in named)
    assert isinstance(ses_events.own_mark(event), str)
    with suppress(ReceiptFault):  # the one way in which it may refuse
        reader(frozenset(), None)(json.dumps(event).encode())


def test_the_newline_that_ends_sess_messages_is_none_of_the_event() -> None:
    assert fact(json.loads(payload("ses/send.json") + "\n")) == fact(said("send"))
