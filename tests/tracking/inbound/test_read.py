"""Whatever comes in, something of it is read, quickly, and nothing falls."""

import base64
import datetime as dt
import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.inbound.plain import html_to_text, tidy
from services.tracking.inbound.read import MAX_BYTES, MAX_TEXT, address_of, read
from tests.tracking.inbound.letters import a_mail


def test_a_letter_is_read() -> None:
    mail = read(a_mail("Dear Ada,\n\nThank you.", To="Ada <ada@one.example>, b@two.example"))

    assert mail.sender == "Secretary <secretary@office.example>"
    assert mail.subject == "Re: Please release Zhang Zhan"
    assert mail.text == "Dear Ada,\n\nThank you."
    assert mail.recipients == ("ada@one.example", "b@two.example")
    assert mail.received_at == dt.datetime(2021, 12, 10, 11, 30, tzinfo=dt.UTC)
    assert mail.defect is None


def test_every_header_that_names_a_way_here_is_looked_at() -> None:
    mail = read(
        a_mail(
            to="office@one.example",
            Cc="c@two.example",
            Delivered_To="d@three.example",
            X_Original_To="e@four.example",
        )
    )

    assert mail.recipients == (
        *("office@one.example", "c@two.example"),
        *("d@three.example", "e@four.example"),
    )


def test_what_it_answers_stands_nearest_first() -> None:
    mail = read(a_mail(In_Reply_To="<c@x.example>", References="<a@x.example> <c@x.example>"))

    assert mail.references == ("c@x.example", "a@x.example")


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        ("=?utf-8?q?R=C3=A9ponse?=", "Réponse"),
        ("=?iso-8859-1?q?R=E9ponse?= automatique", "Réponse automatique"),
        ("=?windows-1251?b?zvLi5fI=?=", "Ответ"),
        ("=?no-such-charset?q?abc?=", "abc"),
        ("=?utf-8?b?QUI?=", "AB"),  # without its padding
        ("=?utf-8?q?two?=\r\n =?utf-8?q?_lines?=", "two lines"),
        ("Bcc: all\r\n of you", "Bcc: all of you"),
    ],
)
def test_a_subject_is_opened_whatever_is_wrong_with_it(encoded: str, said: str) -> None:
    assert read(f"Subject: {encoded}\r\n\r\nx".encode()).subject == said


@pytest.mark.parametrize(
    ("charset", "content", "said"),
    [
        ("utf-8", "Спасибо".encode(), "Спасибо"),
        ("koi8-r", "Спасибо".encode("koi8-r"), "Спасибо"),
        ("big5", "謝謝".encode("big5"), "謝謝"),
        ("utf-8", b"caf\xe9", "café"),  # it says UTF-8 and is not
        ("unknown-8bit", "Grüße".encode(), "Grüße"),
        ("rot13", b"abc", "abc"),  # a codec of Python's that is no charset
        ("\x00", b"abc", "abc"),
    ],
)
def test_a_text_is_decoded_whatever_it_says_of_itself(
    charset: str, content: bytes, said: str
) -> None:
    body = base64.b64encode(content).decode()
    told = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n"

    assert read(f"Subject: x\n{told}{body}".encode()).text == said


def test_plain_text_counts_before_html_and_a_file_not_at_all() -> None:
    message = EmailMessage()
    message.set_content("The letter.")
    message.add_alternative("<p>The page.</p>", subtype="html")
    message.add_attachment("The file.", filename="a.txt")
    without = EmailMessage()
    without.set_content("<p>The page.</p>", subtype="html")
    without.add_attachment("The file.", filename="a.txt")

    assert read(message.as_bytes()).text == "The letter."
    assert read(without.as_bytes()).text == "The page."


def test_of_html_text_alone_is_left() -> None:
    html = """<html><head><title>T</title><style>p{}</style></head><body>
      <p>Dear <b>Ada</b>,</p><script>alert("x")</script>
      <div onclick="x()">two<br>lines &amp; more<img src="https://spy.example/p.gif"></div>
      <a href="https://phish.example">here</a></body></html>"""

    assert html_to_text(html) == "Dear Ada,\n\ntwo\nlines & more\nhere"


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<head><meta charset=x><body>seen", "seen"),  # the head's end tag may be left out
        ("</script></p>seen", "seen"),
        ("<style>hidden", ""),
        ("<!-- <p>hidden</p> -->seen", "seen"),
        ("<![if x]>seen<![endif]>", "seen"),
        ("a<" * 3, "a<a<a<"),
        ("&#0;&#xd800;&#8238;x", "\ufffd\ufffdx"),
    ],
)
def test_broken_html_hides_nothing_that_a_reader_sees(html: str, said: str) -> None:
    assert html_to_text(html) == said


@given(st.text())
def test_what_is_kept_can_be_stored_and_shown(text: str) -> None:
    subject = read(f"Subject: {text}".encode(errors="replace")).subject
    for kept in (tidy(text), html_to_text(text), subject):
        kept.encode()
        assert "\x00" not in kept
        assert not set("\u202a\u202b\u202d\u202e") & set(tidy(kept))


@given(st.binary(max_size=2000))
def test_no_bytes_at_all_break_the_reading(content: bytes) -> None:
    for prefix in (b"", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n", b"Subject: =?utf-8"):
        mail = read(prefix + content)

        assert len(mail.digest) == 64


@given(
    kind=st.sampled_from(["multipart/report", "text/html", "message/rfc822", "text/plain", "x"]),
    parameter=st.text("abc=;\"'*%0125 \\", max_size=30),
    encoding=st.sampled_from(["base64", "quoted-printable", "8bit", "uuencode", "x"]),
    body=st.text("abc=\n-<>&;!", max_size=200),
)
def test_no_header_of_a_part_breaks_the_reading(
    kind: str, parameter: str, encoding: str, body: str
) -> None:
    head = f"Content-Type: {kind}; {parameter}\nContent-Transfer-Encoding: {encoding}\n"

    assert read(f"{head}\n{body}".encode()).digest


def test_a_message_that_is_too_large_is_read_in_part() -> None:
    mail = read(a_mail("The beginning.\n") + b"x" * MAX_BYTES)

    assert mail.text.startswith("The beginning.")
    assert len(mail.text) <= MAX_TEXT
    assert "larger than" in (mail.defect or "")


def test_the_largest_message_is_read_within_seconds() -> None:
    line = b"A line of the usual length, as people and programs write them in emails.\n"
    began = time.process_time()

    mail = read(a_mail("The beginning.\n") + line * (MAX_BYTES // len(line) - 100))

    assert mail.text.startswith("The beginning.")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "content",
    [
        b"\n" * 600_000,
        b"".join(
            b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(900)
        )
        + b"x\n" * 100_000,
        b"Content-Type: message/rfc822\n\n" * 900 + b"x\n" * 100_000,
        b"Content-Type: multipart/mixed; boundary*0=b;\n boundary*1=c\n\n--bc\n" * 900,
    ],
    ids=["lines", "multiparts", "messages", "continued boundaries"],
)
def test_what_would_keep_a_parser_busy_is_known_by_its_headers_alone(content: bytes) -> None:
    began = time.process_time()

    mail = read(b"From: a@office.example\nSubject: deep\n" + content)

    assert mail.subject == "deep"
    assert mail.text == ""
    assert mail.defect
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "value", ["a" * 500_000, "<" * 500_000, "a@" * 250_000, "=?u?q?" * 80_000, ",;" * 250_000]
)
def test_a_long_header_costs_little(value: str) -> None:
    began = time.process_time()

    read("\n".join(f"{name}: {value}" for name in ("To", "From", "References", "Subject")).encode())

    assert time.process_time() - began < 2


def test_copies_that_took_different_ways_are_the_same_message() -> None:
    one = a_mail()
    other = b"Delivered-To: x@campaign.example\r\n" + one.replace(b"\n", b"\r\n")

    assert read(one).digest == read(other).digest


@pytest.mark.parametrize("change", ["Message_ID", "Date", "From", "Subject"])
def test_another_message_is_another(change: str) -> None:
    other = a_mail(**{change: "Sat, 11 Dec 2021 11:29:00 +0000"})

    assert read(a_mail()).digest != read(other).digest
    assert read(a_mail()).digest != read(a_mail("Something else.")).digest


@pytest.mark.parametrize(
    "stamp",
    [
        *("", "nonsense", "by x", "by x; Fri, 99 Dec 2021 11:30:00 +0000"),
        "x; Fri, 31 Dec 9999 23:59:59 -2359",  # in UTC beyond the last year
    ],
)
def test_a_message_without_a_stamp_came_at_a_time_we_do_not_know(stamp: str) -> None:
    assert read(f"Received: {stamp}\n\nx".encode()).received_at is None


def test_an_address_is_taken_out_of_its_header() -> None:
    assert address_of('"Office, The" <Office@Recipient.Example>') == "office@recipient.example"
    assert address_of("nobody") in {"", "nobody"}
