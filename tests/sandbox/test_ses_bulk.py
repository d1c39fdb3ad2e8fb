"""SendBulkEmail at the sandbox, asked by an unmodified boto3: what it takes, entry by entry."""

import json
import re
from typing import Any

import pytest
from mypy_boto3_sesv2.type_defs import SendBulkEmailRequestTypeDef

from tests.sandbox.world import Listener, World

CONTENT = {"Subject": "{{subject}}", "Text": "{{text}}"}


def an_entry(
    to: str = "office@ministry.example", *, delivery_id: str = "d-1", **data: str
) -> dict[str, Any]:
    words = {"subject": "Free the teacher", "text": "I ask you …"} | data
    return {
        "Destination": {"ToAddresses": [to]},
        "ReplacementTags": [{"Name": "delivery_id", "Value": delivery_id}],
        "ReplacementEmailContent": {
            "ReplacementTemplate": {"ReplacementTemplateData": json.dumps(words)}
        },
    }


def a_call(*entries: dict[str, Any], **changes: Any) -> SendBulkEmailRequestTypeDef:
    call: Any = {
        "FromEmailAddress": "Letters <w4r@letters.example>",
        "DefaultContent": {"Template": {"TemplateContent": CONTENT, "TemplateData": "{}"}},
        "BulkEmailEntries": list(entries) or [an_entry()],
        "ConfigurationSetName": "writ",
    }
    taken: SendBulkEmailRequestTypeDef = call | changes
    return taken


def template(**parts: Any) -> dict[str, Any]:
    return {"DefaultContent": {"Template": {"TemplateContent": CONTENT} | parts}}


def results(world: World, call: SendBulkEmailRequestTypeDef) -> list[tuple[str, str]]:
    """Status and message id, or error, of each entry."""
    told = world.ses.send_bulk_email(**call)["BulkEmailEntryResults"]
    return [(one["Status"], one.get("MessageId") or one.get("Error", "")) for one in told]


def test_each_entry_is_an_email_with_a_message_id_and_events_of_its_own(
    world: World, listener: Listener
) -> None:
    call = a_call(an_entry("a@x.example"), an_entry("bounce@x.example", delivery_id="d-2"))

    told = results(world, call)

    assert [status for status, _ in told] == ["SUCCESS", "SUCCESS"]
    events = [got.event for got in listener.wait_for(4)]
    named = sorted((e["mail"]["tags"]["delivery_id"][0], e["eventType"]) for e in events)
    assert named == [("d-1", "Delivery"), ("d-1", "Send"), ("d-2", "Bounce"), ("d-2", "Send")]
    assert {e["mail"]["messageId"] for e in events} == {message_id for _, message_id in told}


def test_what_an_entry_says_comes_before_what_all_say(world: World) -> None:
    shared = template(
        TemplateData='{"text": "of all", "subject": "of all"}',
        Headers=[{"Name": "X-Case", "Value": "of all"}, {"Name": "X-All", "Value": "1"}],
    )
    entry = an_entry(subject="its own") | {
        "ReplacementHeaders": [{"Name": "x-case", "Value": "its own"}]
    }
    tags = [{"Name": "delivery_id", "Value": "of-all"}, {"Name": "campaign", "Value": "w4r"}]

    results(world, a_call(entry, DefaultEmailTags=tags, **shared))

    (email,) = world.call("GET", "/sandbox/emails")["emails"]
    assert email["subject"] == "its own"
    assert email["tags"] == {"delivery_id": "d-1", "campaign": "w4r"}
    own = [one for one in email["headers"] if one[0].lower().startswith("x-")]
    assert own == [["x-case", "its own"], ["X-All", "1"]]


def test_an_email_that_lacks_a_value_is_taken_and_fails_to_render(
    world: World, listener: Listener
) -> None:
    unknown = template(TemplateContent=CONTENT | {"Text": "Dear {{who}}"})

    ((status, message_id),) = results(world, a_call(**unknown))

    (got,) = listener.wait_for(1)
    assert status == "SUCCESS"
    assert got.event["eventType"] == "Rendering Failure"
    assert got.event["mail"]["messageId"] == message_id
    assert got.event["mail"]["tags"]["delivery_id"] == ["d-1"]
    assert "templateName" in got.event["failure"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"BulkEmailEntries": []}, "BulkEmailEntries"),
        ({"BulkEmailEntries": [an_entry()] * 51}, "BulkEmailEntries"),
        (template(TemplateContent=CONTENT | {"Html": "{{#if a}}{{/if}}"}), "unsupported"),
        (template(TemplateContent=CONTENT | {"Html": "{{{a}}}"}), "unsupported"),
        (template(TemplateData="x" * 262_145), "TemplateData"),
    ],
)
def test_a_call_that_ses_would_not_take_is_refused_as_a_whole(
    untouched: World, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(untouched.ses.exceptions.BadRequestException, match=re.escape(words)):
        untouched.ses.send_bulk_email(**a_call(**changes))

    assert untouched.counts()["emails"] == 0


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (an_entry("nowhere"), "Missing final '@domain'"),
        (an_entry(delivery_id="no spaces"), "EmailTags"),
        (an_entry() | {"Destination": {}}, "At least one recipient"),
        (
            an_entry()
            | {
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {"ReplacementTemplateData": "{no json"}
                }
            },
            "not JSON",
        ),
        (
            an_entry()
            | {
                "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": "1"}}
            },
            "no object",
        ),
    ],
)
def test_an_entry_that_ses_would_not_take_holds_up_no_other(
    world: World, entry: dict[str, Any], words: str
) -> None:
    told = results(world, a_call(entry, an_entry("other@x.example", delivery_id="d-2")))

    assert told[0][0] == "INVALID_PARAMETER"
    assert words in told[0][1]
    assert told[1][0] == "SUCCESS"
    assert [one["delivery_id"] for one in world.call("GET", "/sandbox/emails")["emails"]] == ["d-2"]


def test_a_bulk_call_that_is_not_signed_is_refused(untouched: World) -> None:
    answer = untouched.http.request(
        "POST", f"{untouched.url}/v2/email/outbound-bulk-emails", json=a_call()
    )

    assert answer.status == 403
