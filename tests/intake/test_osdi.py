"""OSDI's words, put into ours."""

from typing import Any

import pytest

from services.intake.models import Consent, NewAction
from services.intake.osdi import RecordOutreach, RecordSignature, outreach, signature
from shared.catalogue import Case, Catalogue, Channel, Kind
from shared.faults import Refused
from tests.intake.builders import a_case, a_pack, a_policy, a_recipient
from tests.intake.osdi_bodies import a_person, an_outreach

CASE = a_case(policy=a_policy(channels=(Channel.EMAIL, Channel.LETTER)))


def read(case: Case = CASE, catalogue: Catalogue | None = None, **changes: Any) -> NewAction:
    given = RecordOutreach.model_validate(an_outreach(**changes))
    return outreach(given, case, catalogue or Catalogue(a_pack(case)))


def refused(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        read(**changes)
    return [(one.pointer, one.code) for one in caught.value.faults]


def test_an_outreach_is_read() -> None:
    action = read()

    assert (action.case, action.kind, action.channel) == ("mikita", Kind.APPEAL, Channel.EMAIL)
    assert action.supporter.model_dump() == {
        "name": "Ana Beispiel",
        "email": "ana@tools.example",
        "country": "CH",
        "ref": "my_tool:person-7",
    }
    assert (action.words, action.language) == ("I think of you.", "en")
    assert (action.source, action.reference) == ("facebook-101016-mainpage", "my_tool:outreach-1")
    assert action.occurred_at is not None
    assert action.occurred_at.isoformat() == "2026-05-31T11:02:15+00:00"
    assert action.consent == Consent()


def test_null_is_as_good_as_absent() -> None:
    person = dict.fromkeys(a_person()) | {"family_name": "Beispiel"}
    bare = {"person": person, "targets": [{"title": "minister", "organization": None}]}

    action = outreach(
        RecordOutreach.model_validate(dict.fromkeys(an_outreach()) | bare),
        CASE,
        Catalogue(a_pack(CASE)),
    )

    assert action.supporter.name == "Beispiel"
    assert (action.reference, action.source, action.words) == (None, None, None)


def test_a_signature_stands_under_the_petition_to_all() -> None:
    given = RecordSignature.model_validate({"person": a_person(), "comments": "Let him go!"})

    action = signature(given, CASE)

    assert (action.kind, action.channel) == (Kind.SIGNATURE, Channel.PETITION)
    assert (action.recipients, action.words) == (None, "Let him go!")


@pytest.mark.parametrize(
    ("targets", "recipients", "kind"),
    [
        ([{"title": "minister"}], ["minister"], "appeal"),
        ([{"title": "the MINISTER."}], ["minister"], "appeal"),
        ([{"title": "Dr", "organization": "The minister"}], ["minister"], "appeal"),
        ([{"title": "x"}, {"title": "The prosecutor"}], ["prosecutor"], "appeal"),
        ([{"title": "minister"}, {"title": "The minister"}], ["minister"], "appeal"),
        ([{"title": "family"}], ["family"], "solidarity"),
    ],
)
def test_targets_are_recognised_by_office_or_slug(
    targets: list[dict[str, str]], recipients: list[str], kind: str
) -> None:
    action = read(targets=targets)

    assert (action.recipients, action.kind) == (recipients, kind)


@pytest.mark.parametrize(
    ("office", "written"),
    [
        ("Ministério da Justiça", "ministerio da justica"),
        ("Генеральный прокурор", "ГЕНЕРАЛЬНЫЙ  ПРОКУРОР"),
        ("检察长", "检察长"),
    ],
)
def test_an_office_is_recognised_without_its_accents_and_in_any_script(
    office: str, written: str
) -> None:
    case = a_case(authorities=("prosecutor", "chief"))
    catalogue = Catalogue([*a_pack(case), a_recipient("chief", office=office)])

    assert read(case, catalogue, targets=[{"title": written}]).recipients == ["chief"]


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        ([], "no_targets"),
        (None, "no_targets"),
        ([{"title": "Senator"}], "unknown_target"),
        ([{"title": "stranger"}], "unknown_target"),
        ([{"title": "A neighbour who keeps the post"}], "unknown_target"),
        ([{}], "unknown_target"),
        ([{"title": "..."}], "unknown_target"),
        ([{"title": "family"}, {"title": "minister"}], "mixed_targets"),
    ],
)
def test_what_went_to_nobody_is_refused(targets: list[dict[str, str]] | None, code: str) -> None:
    assert refused(targets=targets) == [("/targets", code)]


@pytest.mark.parametrize(
    ("channels", "given", "channel"),
    [
        (("email", "letter"), "postal mail", "letter"),
        (("email", "letter"), None, "email"),
        (("letter",), None, "letter"),
    ],
)
def test_the_type_chooses_the_channel(
    channels: tuple[str, ...], given: str | None, channel: str
) -> None:
    case = a_case(policy=a_policy(channels=channels))

    assert read(case, type=given).channel == channel


@pytest.mark.parametrize("given", ["phone", "in-person", "fax"])
def test_a_call_is_nothing_to_deliver(given: str) -> None:
    assert refused(type=given) == [("/type", "type_not_carried")]


@pytest.mark.parametrize(
    ("status", "mailings"),
    [("subscribed", True), ("unsubscribed", False), ("Subscribed", False), (None, False)],
)
def test_only_subscribed_is_consent_to_mailings(status: str | None, mailings: bool) -> None:
    email = {"address": "ana@tools.example", "status": status}

    action = read(person=a_person(email_addresses=[email]))

    assert action.consent.mailings is mailings


def test_the_primary_address_is_used() -> None:
    emails = [
        {"address": "old@tools.example", "status": "subscribed"},
        {"address": "new@tools.example", "primary": True},
    ]
    homes = [{"country": "CH"}, {"country": "pt", "primary": True}]

    action = read(person=a_person(email_addresses=emails, postal_addresses=homes))

    assert action.supporter.email == "new@tools.example"
    assert action.supporter.country == "PT"
    assert not action.consent.mailings


@pytest.mark.parametrize(
    ("spoken", "language"), [(["de", "ru"], "ru"), (["ru-RU"], "ru-RU"), (None, "en"), ([], "en")]
)
def test_the_text_is_in_a_language_that_the_supporter_speaks(
    spoken: list[str] | None, language: str
) -> None:
    assert read(person=a_person(languages_spoken=spoken)).language == language


def test_identifiers_of_ours_are_not_the_tools_own() -> None:
    assert read(identifiers=["writ:1", "my_tool:2", "my_tool:3"]).reference == "my_tool:2"
    assert read(identifiers=["writ:1"]).reference is None
