"""What the sandbox's SES accepts and refuses, asked by an unmodified boto3 over a real socket."""

import re
from email.message import EmailMessage
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.world import World, an_email


def headers(*pairs: tuple[str, str]) -> dict[str, Any]:
    content: Any = an_email()["Content"]
    content["Simple"]["Headers"] = [{"Name": name, "Value": value} for name, value in pairs]
    return {"Content": content}


def test_an_accepted_email_is_answered_with_a_message_id_of_the_form_of_ses(world: World) -> None:
    message_id = world.send()

    assert re.fullmatch(r"0107[0-9a-f]{12}-[0-9a-f-]{36}-000000", message_id)


def test_the_truth_names_what_was_sent_to_whom_and_how_often(world: World) -> None:
    ids = [world.send(), world.send()]

    emails = world.call("GET", "/sandbox/emails")["emails"]

    assert [email["message_id"] for email in emails] == ids
    assert [email["copies"] for email in emails] == [2, 2]
    assert emails[0]["to"] == ["office@ministry.example"]
    assert emails[0]["subject"] == "Free the teacher — now"
    assert emails[0]["configuration_set"] == "writ"
    assert emails[0]["delivery_id"] == "delivery-1"


def test_the_truth_comes_in_pages(world: World) -> None:
    ids = [world.send(delivery_id=f"delivery-{number}") for number in range(3)]

    first = world.call("GET", "/sandbox/emails?limit=2")
    rest = world.call("GET", f"/sandbox/emails?limit=2&after={first['next']}")

    assert [email["message_id"] for email in first["emails"] + rest["emails"]] == ids
    assert rest["next"] is None


def test_a_raw_email_goes_to_those_its_headers_name(world: World) -> None:
    mime = EmailMessage()
    mime["From"] = "w4r@letters.example"
    mime["To"] = "The office <office@ministry.example>"
    mime["Cc"] = "clerk@ministry.example"
    mime["Subject"] = "Free the teacher"
    mime.set_content("I ask you …")

    world.ses.send_email(Content={"Raw": {"Data": bytes(mime)}})

    (email,) = world.call("GET", "/sandbox/emails")["emails"]
    assert email["to"] == ["office@ministry.example", "clerk@ministry.example"]
    assert email["subject"] == "Free the teacher"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"FromEmailAddress": ""}, "'From'"),
        ({"Destination": {}}, "At least one recipient"),
        ({"Destination": {"ToAddresses": ["a@b.example"] * 51}}, "Recipient count"),
        ({"to": "nowhere"}, "Missing final '@domain'"),
        ({"to": "büro@ministry.example"}, "Local address"),
        ({"to": "office@ministère.example"}, "Domain"),
        ({"FromEmailAddress": "Zoë <w4r@letters.example>"}, "non-ASCII"),
        ({"delivery_id": "no spaces"}, "EmailTags.0.Value"),
        ({"delivery_id": "x" * 257}, "EmailTags.0.Value"),
        (headers(("X-A", "é")), "Headers.0.Value"),
        (headers(("X-A", "1"), ("x-a", "2")), "Duplicate header"),
        (headers(("From", "other@letters.example")), "Duplicate header"),
        (headers(("X" * 126, "v" * 900)), "longer than"),
        (headers(*((f"X-{number}", "1") for number in range(16))), "Headers"),
        ({"Content": {"Simple": {"Subject": {"Data": "S"}, "Body": {}}}}, "body"),
        ({"Content": {"Template": {"TemplateName": "t"}}}, "Simple or Raw"),
    ],
)
def test_what_ses_would_not_take_is_a_bad_request(
    untouched: World, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(untouched.ses.exceptions.BadRequestException, match=re.escape(words)):
        untouched.ses.send_email(**an_email(**changes))

    assert untouched.counts()["emails"] == 0


def test_an_email_above_40_mb_is_too_large(untouched: World) -> None:
    content = {"Raw": {"Data": b"x" * (31 * 1024 * 1024)}}

    with pytest.raises(ClientError) as refused:
        untouched.ses.send_email(**an_email(Content=content))

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_call_that_is_not_signed_is_refused(untouched: World) -> None:
    answer = untouched.http.request(
        "POST", f"{untouched.url}/v2/email/outbound-emails", json=an_email()
    )

    assert answer.status == 403
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
