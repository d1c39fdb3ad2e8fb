import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from services.intake.accept import FAULT_CODES, Action, accept
from services.intake.models import NewAction
from services.intake.offer import why_closed
from shared.api_keys import Client, Mode
from shared.catalogue import Case, Catalogue, Channel, Kind
from shared.faults import Refused
from tests.intake.builders import NOON, a_campaign, a_case, a_pack, a_policy, an_action

CLIENT = Client(id=UUID(int=7), mode=Mode.LIVE, scopes=frozenset())


def accepted(
    body: dict[str, Any], *, case: Case | None = None, at: dt.datetime = NOON, **campaign: Any
) -> Action:
    catalogue = Catalogue(a_pack(case, a_campaign(**campaign)))
    asked = NewAction.model_validate(body)
    return accept(asked, CLIENT, catalogue=catalogue, identity_key=b"i" * 32, at=at)


def faults(body: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        accepted(body, **changes)
    assert {one.code for one in refused.value.faults} <= {*FAULT_CODES, "too_long"}
    return [(one.pointer, one.code) for one in refused.value.faults]


def a_supporter(**changes: Any) -> dict[str, Any]:
    return an_action(supporter={"name": "Ana"} | changes)


def test_an_appeal_goes_to_every_authority_of_the_case() -> None:
    action = accepted(an_action())

    assert action.recipients == ("prosecutor", "minister")
    assert action.campaign == "letters-2026"
    assert action.mode == "live"
    assert action.occurred_at == action.accepted_at == NOON
    assert action.consent == {
        "show_name": True,
        "show_country": True,
        "replies": False,
        "mailings": False,
    }


def test_solidarity_goes_to_the_family() -> None:
    assert accepted(an_action(kind=Kind.SOLIDARITY)).recipients == ("family",)


def test_recipients_may_be_chosen() -> None:
    assert accepted(an_action(recipients=["minister"])).recipients == ("minister",)


def test_texts_are_cleaned_and_template_syntax_is_kept() -> None:
    action = accepted(an_action(words=" Zoe\u0301: {{ words }} {% raw %}\r\nx ", reference=" r1 "))

    assert action.words == "Zo\u00e9: {{ words }} {% raw %}\nx"
    assert action.reference == "r1"


def test_words_that_nobody_can_see_are_no_words() -> None:
    assert accepted(an_action(words=" \n\u200b")).words is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (an_action(case="nobody"), ("/case", "unknown_case")),
        (an_action(channel=Channel.LETTER), ("/channel", "channel_not_allowed")),
        (an_action(recipients=["prosecutor", "nobody"]), ("/recipients/1", "unknown_recipient")),
        (an_action(recipients=["stranger"]), ("/recipients/0", "unknown_recipient")),
        (an_action(recipients=["family"]), ("/recipients/0", "unknown_recipient")),
        (an_action(recipients=["minister"] * 2), ("/recipients/1", "repeated")),
        (an_action(recipients=[]), ("/recipients", "empty")),
        (an_action(language="tlh"), ("/language", "language_without_template")),
        (an_action(words="a\x07"), ("/words", "control_character")),
        (an_action(words="a\u202eb"), ("/words", "bidi_control")),
        (an_action(words="a" * 3001), ("/words", "too_long")),
        (an_action(source="a\nb"), ("/source", "line_break")),
        (an_action(reference="a" * 121), ("/reference", "too_long")),
        (a_supporter(name="a\r\nBcc: x"), ("/supporter/name", "line_break")),
        (a_supporter(name="a\u2067"), ("/supporter/name", "bidi_control")),
        (a_supporter(name="a\ufffe"), ("/supporter/name", "noncharacter")),
        (a_supporter(name="a" * 500), ("/supporter/name", "too_long")),
        (a_supporter(name=""), ("/supporter/name", "empty")),
        (a_supporter(name="\u200b "), ("/supporter/name", "empty")),
        (a_supporter(email="ana"), ("/supporter/email", "email_invalid")),
        (a_supporter(email="zo\u00e9@tools.example"), ("/supporter/email", "email_invalid")),
        (a_supporter(email="a@b.example\nBcc: c"), ("/supporter/email", "line_break")),
        (a_supporter(country="ch"), ("/supporter/country", "unknown_country")),
        (a_supporter(country="EU"), ("/supporter/country", "unknown_country")),
        (
            an_action(occurred_at=NOON + dt.timedelta(minutes=6)),
            ("/occurred_at", "in_the_future"),
        ),
        (
            an_action(occurred_at=NOON - dt.timedelta(days=200)),
            ("/occurred_at", "before_campaign"),
        ),
        (an_action(occurred_at="0001-01-01T00:00:00+14:00"), ("/occurred_at", "before_campaign")),
        (an_action(occurred_at="9999-12-31T23:59:59-14:00"), ("/occurred_at", "in_the_future")),
    ],
)
def test_a_fault_is_told_with_its_place(body: dict[str, Any], expected: tuple[str, str]) -> None:
    assert faults(body) == [expected]


def test_replies_need_an_email() -> None:
    body = a_supporter() | {"consent": {"replies": True}}

    assert faults(body) == [("/consent/replies", "replies_without_email")]


def test_every_fault_is_told_at_once() -> None:
    body = an_action(
        case="nobody", words="\x00", supporter={"name": "", "email": "x", "country": "xx"}
    )

    assert faults(body) == [
        ("/supporter/name", "empty"),
        ("/supporter/country", "unknown_country"),
        ("/supporter/email", "email_invalid"),
        ("/words", "control_character"),
        ("/case", "unknown_case"),
    ]


def test_a_stopped_case_takes_no_action() -> None:
    case = a_case(policy=a_policy(stopped=True))

    assert faults(an_action(), case=case) == [("/case", "case_stopped")]


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (dt.date(2026, 5, 31), "campaign_not_open"),
        (dt.date(2026, 6, 1), None),
        (dt.date(2026, 6, 2), None),
        (dt.date(2026, 6, 3), "campaign_closed"),
    ],
)
def test_a_campaign_takes_actions_from_its_first_day_to_its_last(
    day: dt.date, why: str | None
) -> None:
    campaign = a_campaign(opens=dt.date(2026, 6, 1), closes=dt.date(2026, 6, 2))

    assert why_closed(a_case(), campaign, day) == why


def test_a_campaign_that_is_over_takes_no_action() -> None:
    body = an_action()

    assert faults(body, closes=dt.date(2026, 5, 31)) == [("/case", "campaign_closed")]


def test_a_kind_must_be_allowed_and_have_somebody_to_go_to() -> None:
    forbidden = a_case(policy=a_policy(kinds=(Kind.APPEAL,)))
    nobody = a_case(solidarity=())
    body = an_action(kind=Kind.SOLIDARITY)

    assert faults(body, case=forbidden) == [("/kind", "kind_not_allowed")]
    assert faults(body, case=nobody) == [("/kind", "kind_not_allowed")]


def test_the_languages_there_are_are_listed() -> None:
    with pytest.raises(Refused) as refused:
        accepted(an_action(language="de"))

    assert refused.value.faults[0].detail.endswith("there are: en, ru")


@pytest.mark.parametrize("language", ["", "e", "english", "en_GB", "abc-12345678-12345678"])
def test_a_signature_has_a_language_that_can_be_stored(language: str) -> None:
    case = a_case(policy=a_policy(kinds=(Kind.SIGNATURE,)))
    body = an_action(kind=Kind.SIGNATURE, channel=Channel.PETITION, language=language)

    assert faults(body, case=case) == [("/language", "unknown_language")]


def test_the_same_email_is_the_same_supporter_whatever_its_case() -> None:
    one = accepted(a_supporter(email="Ana@Tools.example"))
    other = accepted(a_supporter(name="A. B.", email="ana@tools.EXAMPLE"))

    assert one.supporter_identity == other.supporter_identity


def test_without_an_email_every_action_stands_for_itself() -> None:
    one, other = accepted(a_supporter()), accepted(a_supporter())

    assert one.supporter_identity != other.supporter_identity


def test_an_action_shows_no_person_when_it_is_printed() -> None:
    shown = repr(accepted(an_action()))

    for personal in ("Ana", "ana@tools.example", "I think of you"):
        assert personal not in shown
