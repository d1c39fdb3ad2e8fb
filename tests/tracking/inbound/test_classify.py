"""Machines are told apart from people; where that is doubtful, a person reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.inbound.classify import ReplyKind, classify, own_words
from services.tracking.inbound.read import read
from shared.clock import new_id
from tests.tracking.inbound.letters import ANSWER, a_bounce, a_mail

BY_MACHINE = {"Auto_Submitted": "auto-generated"}
LONG = "The Minister has looked into what you ask, and this is what was found. " * 60


def kind(content: bytes) -> ReplyKind:
    return classify(read(content)).kind


def test_what_a_person_wrote_is_an_answer() -> None:
    verdict = classify(read(a_mail()))

    assert verdict.kind is ReplyKind.ANSWER
    assert verdict.why == "Nothing shows that a machine wrote it."


def test_a_delivery_report_is_a_bounce() -> None:
    verdict = classify(read(a_bounce(new_id())))

    assert verdict.kind is ReplyKind.BOUNCE
    assert "RFC 3464" in verdict.why


def test_so_is_what_a_mail_server_writes_in_its_own_way() -> None:
    qmail = a_mail(
        "Hi. This is the qmail-send program. I'm afraid I wasn't able to deliver your message.",
        Return_Path="<>",
        From="MAILER-DAEMON@mx.office.example",
        Subject="failure notice",
    )

    assert kind(qmail) is ReplyKind.BOUNCE


def test_so_is_what_exim_writes() -> None:
    exim = a_mail(
        "A message that you sent could not be delivered.",
        Return_Path="<>",
        From="Mail Delivery System <Mailer-Daemon@mx.office.example>",
        X_Failed_Recipients="office@recipient.example",
        Auto_Submitted="auto-replied",
    )

    assert kind(exim) is ReplyKind.BOUNCE


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Please release Zhang Zhan",
        "Out of Office: Please release Zhang Zhan",
        "Automatische Antwort: Bitte",
        "Réponse automatique : Libérez",
        "Respuesta automática: Libertad",
        "Resposta automática: Libertem",
        "Risposta automatica: Liberate",
        "Automatisch antwoord: Laat vrij",
        "Autosvar: Frige",
        "Автоматический ответ: Освободите",
        "Автоматична відповідь: Звільніть",
        "Autoodpowiedź: Uwolnijcie",
        "Otomatik yanıt: Serbest",
        "自动答复: 释放",
        "自動回覆: 釋放",
        "自動応答: 釈放",
        "رد تلقائي: أطلقوا",
        "자동 회신: 석방",
        "ตอบกลับอัตโนมัติ: ปล่อย",
        "AUTOMATIC REPLY: SHOUTED",
    ],
)
def test_an_absence_is_known_by_its_subject_in_many_languages(subject: str) -> None:
    verdict = classify(read(a_mail("I am back on Monday.", Subject=subject)))

    assert (verdict.kind, verdict.reason) == (ReplyKind.AUTO_REPLY, "absence")


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Automatic reply: who reads this?",  # a person answers to what a machine wrote
        "The automatic reply you got was wrong",
        "Re: Please release Zhang Zhan",
    ],
)
def test_a_subject_that_only_speaks_of_it_is_none(subject: str) -> None:
    assert kind(a_mail(Subject=subject)) is ReplyKind.ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "I'm out of the office until Monday.",
        "I\u2019m out of the office until Monday.",
        "Ich bin derzeit nicht im Büro.",
        "Je suis absent jusqu'à lundi.",
        "Я нахожусь в отпуске до понедельника.",
        "أنا خارج المكتب حتى يوم الاثنين",
    ],
)
def test_an_absence_is_known_by_what_it_says(text: str) -> None:
    assert kind(a_mail(text)) is ReplyKind.AUTO_REPLY


def test_whoever_writes_much_is_not_away() -> None:
    assert kind(a_mail(LONG + "I am on annual leave in May.")) is ReplyKind.ANSWER


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "Auto-Generated; owner=x"},
        {"Auto_Submitted": "something-new"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "1"},
        {"Precedence": "auto_reply"},
        {"Precedence": "bulk", "X_Auto_Response_Suppress": "All"},
        {"Return_Path": "<>", "Precedence": "junk"},
        {"Return_Path": "<>", "From": "no-reply@office.example"},
    ],
)
def test_a_machine_is_known_by_its_headers(headers: dict[str, str]) -> None:
    verdict = classify(read(a_mail("Thank you.", **headers)))

    assert (verdict.kind, verdict.reason) == (ReplyKind.AUTO_REPLY, "by_machine")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "no"},
        {"Auto_Submitted": "No (by hand)"},
        {"Precedence": "bulk"},
        {"X_Auto_Response_Suppress": "OOF"},
        {"Return_Path": "<>"},
        {"From": "Minister <noreply@office.example>"},
    ],
)
def test_one_doubtful_sign_is_not_enough(headers: dict[str, str]) -> None:
    assert kind(a_mail(**headers)) is ReplyKind.ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "We have received your letter. Reference no. 2021/4711.",
        "Your e-mail has been received and will be forwarded to the Minister.",
        "Wir bestätigen den Eingang Ihres Schreibens. Aktenzeichen: III-4711/21",
        "Nous accusons réception de votre message.",
        "Hemos recibido su mensaje. Número de registro 4711.",
        "Ваше обращение зарегистрировано за номером 4711.",
        "Ваше звернення отримано.",
        "تم استلام رسالتكم",
        "您的来信收悉",
        "ได้รับจดหมายของท่านแล้ว",
    ],
)
@pytest.mark.parametrize("headers", [{}, BY_MACHINE])
def test_an_acknowledgement_is_known_in_many_languages(text: str, headers: dict[str, str]) -> None:
    assert kind(a_mail(text, **headers)) is ReplyKind.ACKNOWLEDGEMENT


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("We have received your letter. Case number: MJ-2021-88.", "reference_number"),
        ("Ваше обращение зарегистрировано. № 4711-ЖБ", "reference_number"),
        ("We have received your letter of 9 December 2021.", None),
    ],
)
def test_it_is_told_whether_it_gives_a_number(text: str, reason: str | None) -> None:
    assert classify(read(a_mail(text))).reason == reason


def test_an_acknowledgement_that_says_more_is_an_answer() -> None:
    assert kind(a_mail("We have received your letter. " + LONG[:600])) is ReplyKind.ANSWER


def test_what_a_machine_adds_below_an_acknowledgement_says_no_more() -> None:
    text = "We have received your letter.\n\nThis message is confidential. " + LONG[:1500]

    assert kind(a_mail(text, **BY_MACHINE)) is ReplyKind.ACKNOWLEDGEMENT
    assert kind(a_mail(text)) is ReplyKind.ANSWER


@pytest.mark.parametrize(
    "quoted",
    [
        "> We have received your letter.",
        "-----Original Message-----\nWe have received your letter.",
        "On Fri, 10 Dec 2021, Ada wrote:\n\nI am out of the office.",
        "Am 10.12.2021 schrieb Ada:\nIch bin im Urlaub.",
    ],
)
def test_what_is_quoted_is_not_what_is_said(quoted: str) -> None:
    assert kind(a_mail(f"She is free.\n\n{quoted}\n")) is ReplyKind.ANSWER
    assert own_words(f"She is free.\n\n{quoted}\n") == "She is free."


def test_a_read_receipt_is_a_machines() -> None:
    receipt = b"""\
From: minister@office.example
Content-Type: multipart/report; report-type=disposition-notification; boundary=b

--b
Content-Type: text/plain

Your message was read.
--b
Content-Type: message/disposition-notification

Disposition: manual-action/MDN-sent-manually; displayed
--b--
"""

    verdict = classify(read(receipt))

    assert (verdict.kind, verdict.reason) == (ReplyKind.AUTO_REPLY, "read_receipt")


def test_a_report_that_somebody_passes_on_is_not_ours() -> None:
    inside = a_bounce(new_id()).decode()
    passed_on = f"""\
From: secretary@office.example
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain

{ANSWER}
--outer
Content-Type: message/rfc822

{inside}
--outer--
"""

    assert kind(passed_on.encode()) is ReplyKind.ANSWER


def test_what_cannot_be_read_whole_is_read_by_a_person() -> None:
    verdict = classify(read(a_mail() + b"\n" * 600_000))

    assert verdict.kind is ReplyKind.ANSWER
    assert "Not all of it could be read" in verdict.why


@given(text=st.text(max_size=300), subject=st.text(max_size=80), sender=st.text(max_size=40))
def test_the_reason_quotes_nobody(text: str, subject: str, sender: str) -> None:
    mark = "Qzx7Wfj"
    head = "".join(
        f"{name}: {mark}{' '.join(value.split())}\n"
        for name, value in (
            *(("Subject", subject), ("From", sender), ("Auto-Submitted", sender)),
            *(("Return-Path", "<>"), ("Precedence", "bulk")),
        )
    )

    verdict = classify(read(f"{head}\n{mark} {text}".encode(errors="replace")))

    assert mark.lower() not in verdict.why.lower()
