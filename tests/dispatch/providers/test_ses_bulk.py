"""Many emails in one call: each ends by itself, and arrives as it was written."""

import json
from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.dispatch.providers.contract import (
    Attachment,
    BulkEmailProvider,
    Email,
    LaneHeld,
    LaneReason,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.ses import Ses
from services.dispatch.providers.ses_words import MOST_DATA_CHARS, TEMPLATE, entry, template_data
from services.sandbox import ses_email
from services.sandbox.faults import WireFault
from services.sandbox.ses import ENTRY_REFUSALS
from services.sandbox.ses_bulk import read_bulk
from tests.dispatch.providers.amazon import a_client, an_email
from tests.dispatch.providers.line import answering, free_port, listening, stalling
from tests.dispatch.providers.test_ses_errors import (
    NO_SET,
    NOT_VERIFIED,
    PAUSED,
    QUOTA,
    SUSPENDED,
    THROTTLED,
    Meaning,
    meaning,
)
from tests.sandbox.world import World, a_world

pytestmark = pytest.mark.usefixtures("amazon_credentials")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_world(tmp_path_factory.mktemp("sandbox"), "http://127.0.0.1:9") as world:
        yield world


def emails(*receivers: str) -> list[Email]:
    return [an_email(to=to, subject=f"Letter {n}") for n, to in enumerate(receivers)]


def together(sandbox: World, some: list[Email]) -> list[Taken | ProviderError]:
    return Ses(a_client(sandbox.url), "writ").send_many(some)


def taken_of(sandbox: World, some: list[Email]) -> list[tuple[str, str]]:
    """Delivery id and message id of those that the sandbox really took, oldest first."""
    ids = {str(one.delivery_id) for one in some}
    told = sandbox.call("GET", "/sandbox/emails?limit=10000")["emails"]
    return [(e["delivery_id"], e["message_id"]) for e in told if e["delivery_id"] in ids]


def test_many_emails_leave_in_one_call_and_each_is_its_own(sandbox: World) -> None:
    some = [an_email(to=f"office{n}@x.example", text=f"Words {n}") for n in range(50)]

    ended = together(sandbox, some)

    ids = [one.provider_id for one in ended if isinstance(one, Taken)]
    assert taken_of(sandbox, some) == [
        (str(one.delivery_id), provider_id) for one, provider_id in zip(some, ids, strict=True)
    ]
    assert len(set(ids)) == 50


def test_a_bulk_call_carries_what_a_single_one_does(sandbox: World) -> None:
    email = an_email(headers=(("Auto-Submitted", "no"),), campaign="w4r-2026")

    single = Ses(a_client(sandbox.url), "writ").send(email)
    (bulk,) = together(sandbox, [email])

    assert isinstance(bulk, Taken)
    told = sandbox.call("GET", "/sandbox/emails?limit=10000")["emails"]
    by_id = {one["message_id"]: one for one in told}
    first, second = by_id[single.provider_id], by_id[bulk.provider_id]
    for one in (first, second):
        del one["message_id"], one["accepted_at"]
    assert first == second
    assert first["tags"] == {"delivery_id": str(email.delivery_id), "campaign": "w4r-2026"}


#: Every way in which one entry can fail, by its name in the sandbox.
REFUSED: dict[str, Meaning] = {
    "throttle": THROTTLED,
    "quota": QUOTA,
    "paused": PAUSED,
    "set_paused": PAUSED,
    "suspended": SUSPENDED,
    "message_rejected": Refused,
    "not_verified": NOT_VERIFIED,
    "mail_from": NOT_VERIFIED,
    "not_found": NO_SET,
    "pool": NO_SET,
    "template": LaneReason.ACCOUNT,
    "bad_request": Refused,
    "transient": TryLater,
    "failed": Unclear,
}


def test_some_are_taken_and_some_are_not_each_for_its_own_reason(sandbox: World) -> None:
    kinds = [kind for one in ENTRY_REFUSALS for kind in (one, None)]
    asked = [f"refuse-{kind.replace('_', '-')}" if kind else "office" for kind in kinds]
    some = emails(*(f"{word}@x.example" for word in asked))

    ended = together(sandbox, some)

    told = [Taken if isinstance(one, Taken) else meaning(one) for one in ended]
    assert told == [REFUSED[kind] if kind else Taken for kind in kinds]
    really = [
        (str(email.delivery_id), one.provider_id)
        for email, one in zip(some, ended, strict=True)
        if isinstance(one, Taken)
    ]
    assert taken_of(sandbox, some) == really


def test_the_fault_book_strikes_single_entries(sandbox: World) -> None:
    sandbox.faults(ses_entries=[{"kind": "transient", "next": 2}])
    some = emails("a@x.example", "b@x.example", "c@x.example")

    ended = together(sandbox, some)

    assert [type(one) for one in ended] == [TryLater, TryLater, Taken]
    assert [one for one, _ in taken_of(sandbox, some)] == [str(some[2].delivery_id)]


@pytest.mark.parametrize("kind", WireFault)
def test_a_call_that_nobody_saw_the_end_of_is_unclear_for_each(
    sandbox: World, kind: WireFault
) -> None:
    sandbox.faults(ses=[{"kind": kind, "next": 1, "seconds": 30}])
    some = emails("a@x.example", "b@x.example")

    ended = together(sandbox, some)

    assert [type(one) for one in ended] == [Unclear, Unclear]
    assert len(taken_of(sandbox, some)) == (2 if kind.endswith("_after") else 0)


def test_a_call_that_comes_too_fast_is_too_fast_for_each(sandbox: World) -> None:
    sandbox.faults(ses=[{"kind": "throttle", "next": 1}])
    some = emails("a@x.example", "b@x.example")

    ended = together(sandbox, some)

    assert [isinstance(one, TryLater) and one.throttled for one in ended] == [True, True]
    assert taken_of(sandbox, some) == []


def test_a_call_that_one_bad_email_spoils_loses_none_of_the_others(sandbox: World) -> None:
    sandbox.faults(ses=[{"kind": "bad_request", "next": 1}])
    some = emails("a@x.example", "b@x.example")

    ended = together(sandbox, some)

    assert [type(one) for one in ended] == [TryLater, TryLater]  # each alone, next time
    assert taken_of(sandbox, some) == []


def test_a_server_that_nobody_reaches_took_none() -> None:
    ses = Ses(a_client(f"http://127.0.0.1:{free_port()}"), "writ")

    ended = ses.send_many(emails("a@x.example", "b@x.example"))

    assert [type(one) for one in ended] == [TryLater, TryLater]


@pytest.mark.parametrize(
    "results",
    [
        "[]",
        '[{"Status": "SUCCESS", "MessageId": "m-1"}]',
        '[{"Status": "SUCCESS"}, {"Status": "SOMETHING_NEW"}]',
        "[{}, {}]",
        '["?", "?"]',
        "null",
    ],
)
def test_results_that_nobody_can_read_prove_nothing(results: str) -> None:
    with listening(answering(200, f'{{"BulkEmailEntryResults": {results}}}')) as line:
        ended = Ses(a_client(line.url), "writ").send_many(emails("a@x.example", "b@x.example"))

    assert [type(one) for one in ended] == [Unclear, Unclear]
    assert len(line.requests) == 1


def test_one_who_may_not_be_watched_makes_all_unwatched() -> None:
    some = [an_email(follow_reading=True), an_email()]
    with listening(answering(200)) as line:
        Ses(a_client(line.url), "writ", "norway").send_many(some)

    request = json.loads(line.requests[0].partition(b"\r\n\r\n")[2])
    watched = request["ConfigurationOverrides"]["Tracking"]
    assert set(watched.values()) == {"DISABLED"}
    assert request["TenantName"] == "norway"
    assert request["ConfigurationSetName"] == "writ"


FILE = Attachment(filename="a.pdf", content_type="application/pdf", content=b"%PDF-")


@pytest.mark.parametrize(
    "some",
    [
        [],
        emails(*["a@x.example"] * 51),
        [an_email(), an_email(from_="other@send.example")],
        [an_email(), an_email(reply_to=None)],
        [an_email(), an_email(attachments=(FILE,))],
        [an_email(), an_email(text="x" * MOST_DATA_CHARS)],
    ],
)
def test_what_is_no_bulk_call_does_not_leave(some: list[Email]) -> None:
    with listening(stalling) as line, pytest.raises(ValueError, match="bulk call"):
        Ses(a_client(line.url), "writ").send_many(some)

    assert line.requests == []


def test_an_email_that_is_too_long_for_an_entry_goes_alone() -> None:
    ses: BulkEmailProvider = Ses(a_client(None), "writ")
    overhead = len(template_data(an_email(text="")))
    longest = an_email(text="x" * (MOST_DATA_CHARS - overhead))

    assert ses.fits(longest)
    assert not ses.fits(an_email(text=longest.text + "x"))
    assert not ses.fits(an_email(text=longest.text[:-1] + "\n"))  # two characters in JSON
    assert ses.fits(an_email(text="王" * (MOST_DATA_CHARS - overhead)))
    assert isinstance(ses, BulkEmailProvider)


BRACES = [
    "{{name}}",
    "{{{name}}}",
    "{{#if x}}",
    "{{subject}}",
    "}}",
    "{{",
    r"\{{x}}",
    '"}{{',
    "&lt;",
]
WORDS = st.lists(st.one_of(st.sampled_from(BRACES), st.text(max_size=8)), max_size=6).map("".join)
LINE = st.lists(
    st.one_of(
        st.sampled_from(BRACES),
        st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=8),
    ),
    max_size=4,
).map("".join)


@settings(max_examples=200)
@given(LINE, WORDS, WORDS)
@example("{{subject}} {{html}}", "{{text}}", "<p>{{&amp;}}</p>")
def test_what_was_typed_arrives_as_it_was_typed(subject: str, text: str, html: str) -> None:
    email = an_email(subject=subject, text=text, html=html)
    call = {
        "FromEmailAddress": email.from_,
        "DefaultContent": {"Template": TEMPLATE},
        "BulkEmailEntries": [entry(email)],
    }

    (read,) = read_bulk(json.dumps(call).encode())

    assert isinstance(read, ses_email.Email)
    assert read.subject == subject
    assert read.text_sha256 == sha256(text.encode()).hexdigest()
    assert read.html_sha256 == sha256(html.encode()).hexdigest()
    assert read.rendering_error is None


def test_braces_arrive_over_the_line_as_they_were_typed(sandbox: World) -> None:
    email = an_email(subject="{{subject}}", text="{{#if a}} {{{b}}} \\{{c}}", html="{{text}} <&>")

    (ended,) = together(sandbox, [email])

    assert isinstance(ended, Taken)
    told = sandbox.call("GET", "/sandbox/emails?limit=10000")["emails"]
    (read,) = [one for one in told if one["message_id"] == ended.provider_id]
    assert read["subject"] == email.subject
    assert read["text_sha256"] == sha256(email.text.encode()).hexdigest()
    assert read["html_sha256"] == sha256(email.html.encode()).hexdigest()


def test_a_lane_that_is_held_says_how_long(sandbox: World) -> None:
    (ended,) = together(sandbox, emails("refuse-quota@x.example"))

    assert isinstance(ended, LaneHeld)
    assert ended.after_s > 0
    assert "x.example" not in ended.detail
