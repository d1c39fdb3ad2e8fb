"""`writ plan forecast`: what a mailbox would get, before the season."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli.plan import plan

PACK = Path(__file__).parents[2] / "packs/write-for-rights-2021"
OFFICE = "by-prosecutor-general"


def run(*words: str) -> Result:
    return CliRunner().invoke(plan, ["forecast", "--pack", str(PACK), *words])


def test_a_forecast_is_a_table_and_a_sentence() -> None:
    shown = run("--recipient", OFFICE, "--actions", "400000", "--from", "2026-10-26")

    assert shown.exit_code == 0
    assert "Mon 26 Oct 2026" in shown.output
    assert "At 400,000 actions this mailbox gets" in shown.output
    assert "digests, one a day at 16:00." in shown.output


def test_machines_get_the_same() -> None:
    words = ("--recipient", OFFICE, "--actions", "1001", "--days", "2", "--from", "2026-10-26")

    told = json.loads(run(*words, "--json").output)

    assert told["recipient"] == OFFICE
    assert [one["arrived"] for one in told["days"]][:2] == [500, 501]
    assert sum(one["singles"] + one["digested"] for one in told["days"]) == 1001
    assert told["days"][0]["day"] == "2026-10-26"
    assert told["summary"].startswith("At 1,001 actions")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--recipient", "nobody", "--actions", "10"), "there is no recipient 'nobody'"),
        (("--recipient", OFFICE, "--actions", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_told_is_said(words: tuple[str, ...], says: str) -> None:
    shown = run(*words)

    assert shown.exit_code == 2
    assert says in shown.output
