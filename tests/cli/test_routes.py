"""`writ routes`: the list of places that the post does not reach, and what it keeps back."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import insert, select

from services.dispatch.destinations.limits import Rule
from services.intake.packs.load import load_entries
from shared.clock import now
from shared.database import Database
from shared.tables.dispatch import deliveries
from shared.tables.routes import LimitKind, route_limits
from shared.tables.tracking import commands
from tests.cli.test_addresses import everything
from tests.dispatch.builders import a_delivery_row
from tests.dispatch.destinations.limited import a_rule, noted, with_embassy

Terminal = Callable[..., Result]
HEAD = "country,kind,starts,ends,reason,source\n"
IRAN = "IR,suspended,2026-03-01,,No flights,https://post.example/1\n"
SYRIA = "SY,restricted,2026-03-01,2999-12-31,Sanctions,https://law.example/2\n"


@pytest.fixture
def campaign(database: Database) -> Database:
    """With a catalogue, an embassy, and a letter that waits for the office."""
    load_entries(database, "letters", everything(with_embassy()))
    return database


def a_list(folder: Path, *rows: str) -> str:
    file = folder / "routes.csv"
    file.write_text(HEAD + "".join(rows))
    return str(file)


def a_letter(database: Database, **changes: Any) -> None:
    with database.begin() as connection:
        row = a_delivery_row(**({"channel": "letter", "woken_at": None} | changes))
        connection.execute(insert(deliveries).values(row))


def countries(database: Database) -> list[str]:
    in_list = select(route_limits.c.country).where(route_limits.c.dropped_at.is_(None))
    with database.read() as connection:
        return sorted(connection.scalars(in_list))


def test_a_list_is_shown_before_it_is_taken(
    database: Database, terminal: Terminal, tmp_path: Path
) -> None:
    file = a_list(tmp_path, IRAN, SYRIA)

    shown = terminal("routes", "import", file, "--preview", columns=120)
    refused = terminal("routes", "import", file, answers="n\n", columns=120)
    before = countries(database)
    taken = terminal("routes", "import", file, answers="y\n", columns=120)

    assert "suspended, all paper" in shown.output
    assert "2026-03-01 until further notice" in shown.output
    assert "https://law.example/2" in shown.output
    assert (refused.exit_code, before) == (1, [])
    assert taken.output.endswith("2 rows added, 0 dropped\n")
    assert countries(database) == ["IR", "SY"]


def test_the_same_list_again_changes_nothing(
    database: Database, terminal: Terminal, tmp_path: Path
) -> None:
    file = a_list(tmp_path, IRAN)
    terminal("routes", "import", file, "--yes")

    again = terminal("routes", "import", file)

    assert (again.exit_code, again.output) == (0, "nothing changes: 1 rows, all of them known\n")


def test_what_left_the_list_is_dropped_and_shown_in_its_history(
    database: Database, terminal: Terminal, tmp_path: Path
) -> None:
    terminal("routes", "import", a_list(tmp_path, IRAN), "--yes")

    done = terminal("routes", "import", a_list(tmp_path, SYRIA), "--yes", columns=120)
    listed = terminal("routes", "list", columns=120).output
    history = terminal("routes", "list", "--history", columns=120).output

    assert "1 rows added, 1 dropped" in done.output
    assert "No flights" not in listed
    assert "in force: restricted" in listed
    assert "by operator ada" in listed
    assert f"dropped {now():%Y-%m-%d}: suspended" in history


def test_with_one_bad_row_nothing_is_taken(
    database: Database, terminal: Terminal, tmp_path: Path
) -> None:
    done = terminal("routes", "import", a_list(tmp_path, IRAN, "XX,,,,,\n"), "--yes", columns=120)

    assert done.exit_code == 1
    assert "'XX' is no country" in done.output
    assert "5 faults; nothing was changed" in done.output
    assert countries(database) == []


def test_a_list_that_changed_meanwhile_is_looked_at_again(
    database: Database,
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def meanwhile(*_args: object, **_kwargs: object) -> bool:
        noted(database, a_rule(), at=now())
        return True

    monkeypatch.setattr("click.confirm", meanwhile)

    done = terminal("routes", "import", a_list(tmp_path, IRAN))

    assert done.exit_code == 1
    assert "the list changed meanwhile" in done.output
    assert countries(database) == ["BY"]


def test_a_list_says_what_is_in_force_to_come_and_over(
    database: Database, terminal: Terminal
) -> None:
    over = a_rule(
        starts=a_rule().starts.replace(year=2020), ends=a_rule().starts.replace(year=2021)
    )
    to_come = a_rule(country="IR", region="07", vendor="lob", starts=over.starts.replace(year=2998))
    noted(database, over, to_come)

    said = terminal("routes", "list", columns=120).output
    iran = terminal("routes", "list", "--country", "ir", columns=120).output

    assert "over: suspended, all paper" in said
    assert "to come: suspended, all paper, by lob" in said
    assert "IR-07" in iran
    assert "over" not in iran
    assert terminal("routes", "list", "--country", "FR").output == "The list is empty.\n"


def told(kind: LimitKind = LimitKind.SUSPENDED, **changes: Any) -> Rule:
    return a_rule(kind=kind, starts=dt.date(2020, 5, 31), **changes)


def test_check_tells_what_waits_why_and_what_the_case_says(
    campaign: Database, terminal: Terminal
) -> None:
    a_letter(campaign)
    noted(campaign, told(), told(region="HM", country="CH"))

    said = terminal("routes", "check", "--campaign", "letters", columns=160).output

    assert "BY prosecutor" in said
    assert "suspended: No flights. (since 31 May 2020" in said
    assert "its embassy, embassy" in said
    assert "A region of CH is on the list, and these addresses name none" in said
    assert terminal("routes", "check", "--country", "FR").output.startswith("Nothing on the list")


def held(campaign: Database, terminal: Terminal, kind: LimitKind) -> None:
    noted(campaign, told(kind))
    reason = f"The destination is {kind}. BELARUS: whatever"
    a_letter(campaign, held_reason=reason)


def test_a_person_releases_what_is_restricted(campaign: Database, terminal: Terminal) -> None:
    held(campaign, terminal, LimitKind.RESTRICTED)

    done = terminal(
        *("routes", "release", "--country", "by", "--case", "mikita"),
        *("--why", "allowed"),
        answers="y\n",
    )

    assert done.output.endswith("asked dispatch to release: 1 deliveries\n")
    with campaign.read() as connection:
        [command] = connection.execute(select(commands)).all()
        waiting = connection.scalar(select(deliveries.c.id))
    assert (command.verb, command.delivery_id, command.why) == ("release", waiting, "allowed")
    assert command.given_by == "operator ada"


@pytest.mark.parametrize(
    ("kind", "case", "country"),
    [
        (LimitKind.SUSPENDED, "mikita", "BY"),
        (LimitKind.RESTRICTED, "other", "BY"),
        (LimitKind.RESTRICTED, "mikita", "CH"),
    ],
)
def test_nothing_else_is_released(
    kind: LimitKind, case: str, country: str, campaign: Database, terminal: Terminal
) -> None:
    held(campaign, terminal, kind)

    done = terminal(
        *("routes", "release", "--country", country, "--case", case, "--why", "so", "--yes")
    )

    assert done.output == "Nothing is held that fits.\n"


def test_without_a_catalogue_there_is_nothing_to_check(
    database: Database, terminal: Terminal
) -> None:
    assert terminal("routes", "check").output == "Nothing on the list stands against paper today.\n"
