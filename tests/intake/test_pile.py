"""Behind the code on a cover sheet: a GET shows the pile, a POST tells its number, nothing more."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.intake.confirmation.confirm import Confirmations
from services.intake.counts.cover_sheets import languages, pile_links, words
from services.intake.edges.pile import MOST_CHANGES, read_number
from shared.catalogue import Channel
from shared.tables.intake import audit_log
from shared.tables.writing_events import reported_counts
from tests.intake.builders import NOON, Intake, a_case, a_pack, a_policy
from tests.intake.test_counts import a_count

LINKS = pile_links(b"i" * 32, "")


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    case = a_case(policy=a_policy(channels=(Channel.LETTER,)))
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}", a_pack(case))
    yield intake
    intake.database.close()


def a_pile(intake: Intake, **changes: Any) -> str:
    answer: Any = intake.http.post("/v1/counts", json=a_count(**changes), headers=intake.auth())
    return LINKS.link(UUID(answer.json["id"]))


def tell(intake: Intake, page: str, number: str) -> Any:
    return intake.http.post(page, data={"number": number})


def number_now(intake: Intake) -> int:
    with intake.database.read() as connection:
        return connection.scalar(select(reported_counts.c.number)) or 0


def test_a_get_shows_the_pile_and_changes_nothing(intake: Intake) -> None:
    page = a_pile(intake)

    shown = intake.http.get(page)

    assert shown.status_code == 200
    for said in ("Mikita", "Letters to the authorities", "20 May 2026", "120"):
        assert said in shown.text
    assert number_now(intake) == 120


def test_it_names_nobody(intake: Intake) -> None:
    assert "Kirchenfeld" not in intake.http.get(a_pile(intake)).text


def test_a_post_tells_the_number_and_leads_back_to_the_page(intake: Intake) -> None:
    page = a_pile(intake)

    answer = tell(intake, page, "1 250")

    assert answer.status_code == 303
    after = intake.http.get(page).text
    assert words("en")["ask_again"] in after
    assert "1,250" in after
    assert number_now(intake) == 1250


def test_every_change_stands_in_the_audit_log_and_no_repeat_does(intake: Intake) -> None:
    page = a_pile(intake)

    for number in ("7", "7", "8"):
        tell(intake, page, number)

    with intake.database.read() as connection:
        log = select(audit_log).where(audit_log.c.act == "count_corrected")
        rows = connection.execute(log.order_by(audit_log.c.seq)).all()
    assert [(row.actor, row.details["before"], row.number) for row in rows] == [
        ("cover sheet", 120, 7),
        ("cover sheet", 7, 8),
    ]


def test_after_many_changes_in_a_day_the_page_says_to_come_back_tomorrow(intake: Intake) -> None:
    page, other = a_pile(intake), a_pile(intake, reference="another pile")
    for number in range(1, MOST_CHANGES + 1):
        assert tell(intake, page, str(number)).status_code == 303

    refused, same = tell(intake, page, "999"), tell(intake, page, str(MOST_CHANGES))
    of_other = tell(intake, other, "7")
    with intake.database.read() as connection:
        before = connection.scalars(select(reported_counts.c.number)).all()
    intake.clock.at += dt.timedelta(days=1)
    tomorrow = tell(intake, page, "999")

    assert (refused.status_code, "<form" in refused.text) == (429, False)
    assert words("en")["enough_text"] in refused.text
    assert (same.status_code, of_other.status_code, tomorrow.status_code) == (303, 303, 303)
    assert sorted(before) == [7, MOST_CHANGES]


@pytest.mark.parametrize("given", ["", "0", "-1", "1.5", "many", "1000001", "9" * 5_000, "<b>"])
def test_what_is_no_number_is_asked_for_again(given: str, intake: Intake) -> None:
    page = a_pile(intake)

    answer = tell(intake, page, given)

    assert answer.status_code == 422
    assert "from 1 to <bdi>1,000,000</bdi>" in answer.text
    assert "<b>" not in answer.text
    assert number_now(intake) == 120


@pytest.mark.parametrize(
    ("given", "number"),
    [("1200", 1200), (" 1 200 ", 1200), ("1.200", 1200), ("1’200", 1200), ("١٢٠٠", 1200)]
    + [("1,000,000", 1_000_000), ("12,34", None), ("1,200,000", None), ("²", None)],
)
def test_a_number_is_read_as_people_write_it(given: str, number: int | None) -> None:
    assert read_number(given) == number


def test_a_withdrawn_pile_is_closed(intake: Intake) -> None:
    page = a_pile(intake)
    listed = intake.get("/v1/counts").json["data"]
    intake.http.delete(listed[0]["links"]["self"], headers=intake.auth())

    shown, told = intake.http.get(page), tell(intake, page, "5")

    assert (shown.status_code, told.status_code) == (410, 410)
    assert "<form" not in shown.text
    assert number_now(intake) == 120


def test_no_other_link_opens_it(intake: Intake) -> None:
    count_id = LINKS.id_of(a_pile(intake).rpartition("/")[2])
    assert count_id is not None
    confirmation = Confirmations(b"i" * 32, "", lambda: NOON).token(count_id)
    forged = pile_links(b"j" * 32, "").token(count_id)

    for token in (confirmation, forged, str(count_id), "", LINKS.token(uuid4())):
        assert tell(intake, f"/pile/{token}", "5").status_code == 404
    assert number_now(intake) == 120


@pytest.mark.parametrize("language", sorted(languages()))
def test_it_is_read_in_every_language_we_speak(language: str, intake: Intake) -> None:
    page = intake.http.get(f"{a_pile(intake)}?lang={language}").text

    assert f'<html lang="{language}"' in page
    assert words(language)["report"] in page


def test_it_is_read_in_the_language_that_the_browser_likes(intake: Intake) -> None:
    page = intake.http.get(a_pile(intake), headers={"Accept-Language": "de, fr;q=0.9"}).text

    assert '<html lang="fr"' in page


def test_it_brings_nothing_from_elsewhere_and_runs_no_script(intake: Intake) -> None:
    answer = intake.http.get(a_pile(intake))

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy + answer.text
    assert not re.search(r"(src|href)=\"(https?:)?//", answer.text)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_token_is_not_logged(intake: Intake) -> None:
    page = a_pile(intake)

    with capture_logs() as lines:
        tell(intake, page, "5")

    assert page.rpartition("/")[2] not in str(lines)
