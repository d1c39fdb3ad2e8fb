"""Packs: the real one is whole and careful, and a good one is read as it was written."""

import shutil
import time
from pathlib import Path

import pytest

from services.intake.packs.read import PackFaults, read_pack
from shared.catalogue import Campaign, Case, Catalogue, Channel, Kind, Recipient
from tests.intake.small_pack import SMALL, a_pack

PACKS = Path(__file__).parents[2] / "packs"
REAL = PACKS / "write-for-rights-2021"


def test_the_real_pack_has_no_fault() -> None:
    assert read_pack(REAL).entries


def test_the_real_pack_covers_ten_cases_each_with_an_office_and_an_english_appeal() -> None:
    catalogue = Catalogue(read_pack(REAL).entries)

    assert [*catalogue.campaigns] == ["write-for-rights-2021"]
    assert len(catalogue.cases) == 10
    assert all(catalogue.template(case, Kind.APPEAL, "en") for case in catalogue.cases)
    assert all(case.authorities for case in catalogue.cases.values())


def test_the_real_pack_speaks_the_languages_of_the_offices_it_writes_to() -> None:
    catalogue = Catalogue(read_pack(REAL).entries)

    languages = {template.language for template in catalogue.templates.values()}

    assert languages == {"ar", "en", "es", "fr", "ru", "th", "uk", "zh"}


def test_the_real_pack_is_checked_in_less_than_a_second() -> None:
    began = time.process_time()

    read_pack(REAL)

    assert time.process_time() - began < 1


@pytest.mark.parametrize("pack", sorted(path.parent for path in PACKS.glob("*/pack.toml")))
def test_every_email_address_in_the_packs_is_on_a_reserved_domain(pack: Path) -> None:
    entries = read_pack(pack).entries

    emails = [e.sender.email for e in entries if isinstance(e, Campaign)]
    emails += [m.email for e in entries if isinstance(e, Recipient) for m in e.mailboxes]

    assert emails
    assert [email for email in emails if not email.endswith(".example")] == []


def test_messages_to_people_at_risk_name_no_organisation_faith_or_charge() -> None:
    catalogue = Catalogue(read_pack(REAL).entries)
    forbidden = ["amnesty", "write for rights", "god", "pray", "bless", "christmas", "new year"]
    forbidden += ["charge", "court", "prison", "government", "protest", "police", "суд", "протест"]

    texts = [t for t in catalogue.templates.values() if t.kind is Kind.SOLIDARITY]
    found = [(t.key, w) for t in texts for w in forbidden if w in f"{t.subject} {t.body}".lower()]

    assert len(texts) == 7
    assert found == []


def test_a_pack_is_read_as_typed_entries(tmp_path: Path) -> None:
    folder = a_pack(tmp_path)

    catalogue = Catalogue(read_pack(folder).entries)

    case = catalogue.cases["ada"]
    office = catalogue.recipients["office"]
    assert case == Case(
        slug="ada",
        campaign="small",
        name="Ada",
        country="BY",
        summary="Held for a letter.",
        ask="Free Ada.",
        source="https://source.example",
        authorities=("office",),
        solidarity=("ada",),
        policy=case.policy,
    )
    assert case.policy.channels == (Channel.EMAIL, Channel.LETTER)
    assert [holder.name for holder in office.holders] == ["First Holder", "Second Holder"]
    assert office.addresses[0].lines == ("Street 1", "220000 Town")
    assert (
        catalogue.templates["ada/solidarity.en"].body
        == "{{ salutation }},\n\n{{ words }}\n\nYours,\n"
    )


def test_a_pack_written_on_windows_is_read_alike(tmp_path: Path) -> None:
    changed = {
        file: b"\xef\xbb\xbf" + t.replace("\n", "\r\n").encode() for file, t in SMALL.items()
    }

    folder = a_pack(tmp_path, changed)

    template = Catalogue(read_pack(folder).entries).templates["ada/appeal.en"]
    assert template.subject == "Please free {{ case }}"
    assert "\r" not in template.body


def test_a_folder_that_is_not_there_has_no_campaign(tmp_path: Path) -> None:
    with pytest.raises(PackFaults) as found:
        read_pack(tmp_path / "nowhere")

    assert ("pack.toml", 1) in [(fault.file, fault.line) for fault in found.value.faults]


def test_reading_names_every_fault_at_once_in_order(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(REAL, tmp_path / REAL.name))
    for case in ("zhang-zhan", "ciham-ali"):
        path = folder / f"cases/{case}/appeal.en.md"
        path.write_text(path.read_text().replace("{{ words }}", "{{ wrds }}"))

    with pytest.raises(PackFaults) as raised:
        read_pack(folder)

    found = [(fault.file, fault.message[:21]) for fault in raised.value.faults]
    assert found == [
        ("cases/ciham-ali/appeal.en.md", "{{ words }} is missin"),
        ("cases/ciham-ali/appeal.en.md", "unknown placeholder `"),
        ("cases/zhang-zhan/appeal.en.md", "{{ words }} is missin"),
        ("cases/zhang-zhan/appeal.en.md", "unknown placeholder `"),
    ]
    assert str(raised.value).startswith("cases/ciham-ali/appeal.en.md:4: {{ words }}")
