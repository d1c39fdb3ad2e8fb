"""What may stand in an email's headers: ours alone, whatever people type, seen where it arrives."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.dispatch.due import Prepared
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import Email
from tests.dispatch.builders import NOON, FakePress, a_due
from tests.dispatch.entries import a_case, a_catalogue
from tests.dispatch.rendering.digests import some_entries
from tests.dispatch.sandboxed import SandboxedSes, a_sandboxed_ses

OURS = {
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
}
#: Whatever somebody may type, breaks of lines of all kinds among it.
TYPED = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n\u2028\u0085\x0b,;<>\"'@:="),
    min_size=1,
    max_size=60,
)
INJECTED = "Ana\r\nBcc: all@people.example\r\n\r\n<b>x"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxedSes]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with a_sandboxed_ses(folder) as made:
        yield made


def prepared(name: str = "Ana", case: str = "Mikita", *, many: bool = False) -> Prepared:
    catalogue = a_catalogue(a_case(name=case))
    due = a_due(supporter_name=name)
    if many:
        due = a_due(carrier="digest", entries=tuple(some_entries(3, name=name)), people=3)
    return Preparer(lambda: catalogue, FakePress()).prepare(due, NOON)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=TYPED, case=TYPED, many=st.booleans())
@example(name=INJECTED, case=INJECTED, many=False)
@example(name=INJECTED, case=INJECTED, many=True)
def test_nobody_types_a_header_into_what_ses_takes(
    sandbox: SandboxedSes, name: str, case: str, many: bool
) -> None:
    ready = prepared(name, case, many=many)
    assert isinstance(ready.handover, Email)

    sandbox.ses.send(ready.handover)

    arrived = sandbox.emails()[-1]
    assert arrived["delivery_id"] == str(ready.due.id)
    assert arrived["destination"] == ["office@prosecutor.example"]
    assert arrived["reply_to"] == ([] if many else ["ana@people.example"])
    assert re.fullmatch(r"[ -~]* <letters@send\.example>", arrived["source"])
    assert {name for name, _ in arrived["headers"]} <= OURS
    assert all(
        re.fullmatch(r"[ -~]*", value) for name, value in arrived["headers"] if name != "Subject"
    )
    assert not re.search(r"[\r\n]", arrived["subject"])
    kept = message_from_bytes(ready.content, policy=policy.default)
    assert set(kept.keys()) <= OURS
    assert len(kept["From"].addresses) == len(kept["To"].addresses) == 1


@pytest.mark.parametrize("many", [False, True])
def test_an_email_calls_itself_neither_automatic_nor_bulk_nor_a_list(many: bool) -> None:
    """A supporter's letter is written by a person: RFC 3834 leaves Auto-Submitted out of that.

    With it, or with Precedence and X-Auto-Response-Suppress, an office's own acknowledgement would
    stay away, and that is what tells a campaign that somebody has read.  List-Unsubscribe (RFC
    8058) is for what somebody subscribed to; on a letter to an official it says "bulk".  A digest
    only gathers such letters.
    """
    ready = prepared(many=many)
    assert isinstance(ready.handover, Email)

    assert ready.handover.headers == ()
    assert set(message_from_bytes(ready.content).keys()) <= OURS


@pytest.mark.parametrize("many", [False, True])
def test_an_email_fetches_nothing_and_runs_nothing(many: bool) -> None:
    """No pixel, no script, no style sheet: nothing tells anybody that an office has read it."""
    ready = prepared(many=many)
    assert isinstance(ready.handover, Email)

    assert not re.search(
        r"<(img|script|link|style|iframe|object|svg)|url\(|https?:|\son\w+=", ready.handover.html
    )


@pytest.mark.parametrize("many", [False, True])
def test_an_email_can_be_read_in_the_dark(many: bool) -> None:
    """It says that it suits both, and sets neither a colour of text nor one of the ground."""
    ready = prepared(many=many)
    assert isinstance(ready.handover, Email)

    html = ready.handover.html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert not re.search(r"(?<![-\w])(color:(?!inherit)|background)", html)


@pytest.mark.parametrize("many", [False, True])
def test_the_text_is_not_made_from_the_html(many: bool) -> None:
    ready = prepared(name="Ana & Bo", many=many)
    assert isinstance(ready.handover, Email)

    assert "Ana & Bo" in ready.handover.text
    assert "Ana &amp; Bo" in ready.handover.html


def test_one_email_differs_from_another_by_the_supporters_own_words_alone() -> None:
    """No synthetic variation: mail filters and offices are told the truth."""
    catalogue = a_catalogue()
    preparer = Preparer(lambda: catalogue, FakePress())
    one, other = (
        preparer.prepare(a_due(words=words, supporter_name=name), NOON)
        for words, name in (("Free him.", "Ana"), ("I think of him.", "Bo"))
    )
    assert isinstance(one.handover, Email)
    assert isinstance(other.handover, Email)

    changed = (
        one.handover.text.replace("Free him.", "I think of him.")
        .replace("Ana", "Bo")
        .replace(str(one.due.id), str(other.due.id))
    )
    assert changed == other.handover.text
    assert one.handover.subject == other.handover.subject
