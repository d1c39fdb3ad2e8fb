"""`writ keys rotate`: seals people's data again, so that an old key can go."""

import json
import sys
from collections import Counter
from dataclasses import dataclass

import click

from services.cli.database import open_database
from services.cli.progress import progress
from shared.database import Database
from shared.reseal import Stock, reseal, sealed_tables, take_stock

_TURNS = 2  # what somebody was changing in the first is free in the second


@click.group()
def keys() -> None:
    """Change the key that seals people's data.  (API keys: `writ key`.)"""


@keys.command()
@click.option("--dry-run", is_flag=True, help="Only count what would be sealed again.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line.")
def rotate(dry_run: bool, as_json: bool) -> None:
    """Seal again, with the first key of WRIT_PRIVACY_KEYS, all that another key sealed.

    First put the new key behind the old one in WRIT_PRIVACY_KEYS and restart every service: now all
    can open what it seals. Then put it in front, and restart every service again: what runs with
    the old key in front goes on sealing with it. It may be stopped at any moment; started again, it
    goes on. Like `writ migrate` it runs as the owner of the database.
    """
    database = open_database()
    before = _stock(database)
    if not dry_run:
        _reseal(database, before, as_json)
    after = _stock(database)
    first, *others = (name for name, _ in database.keyring.keys)
    verdict = _Verdict(
        first=first,
        others=tuple(others),
        dry=dry_run,
        values=after.values,
        resealed=max(0, before.due.total() - after.due.total()),
        due=after.due,
    )
    click.echo(json.dumps(verdict.as_json()) if as_json else verdict.in_words())
    sys.exit(1 if verdict.due and not dry_run else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """Where things stand."""

    first: str
    others: tuple[str, ...]
    dry: bool
    values: int
    resealed: int
    due: Counter[str]

    @property
    def removable(self) -> list[str]:
        return [name for name in self.others if not self.due[name]]

    def as_json(self) -> dict[str, object]:
        due = dict(self.due)
        return {
            "key": self.first,
            "values": self.values,
            "resealed": self.resealed,
            "no_key_opens": due.pop("", 0),
            "due": due,
            "removable": self.removable,
        }

    def in_words(self) -> str:
        said = [f"{self.values:,} values; {self.resealed:,} of them were sealed again just now."]
        if self.dry:
            said = [f"{self.values:,} values; {self.due.total():,} would be sealed again."]
        for name, number in sorted(self.due.items()):
            by = f"the key {name}" if name else "a key that WRIT_PRIVACY_KEYS lacks"
            said.append(f"{number:,} are still as {by} has sealed them.")
        for name in self.removable:
            said.append(
                f"Nothing needs {name} any more: remove it from WRIT_PRIVACY_KEYS everywhere, and"
                " keep it as long as you keep a backup that was made before."
            )
        return "\n".join(said)


def _stock(database: Database) -> Stock:
    with database.read() as connection:
        return take_stock(connection, database.keyring)


def _reseal(database: Database, before: Stock, as_json: bool) -> None:
    with progress("sealing again", before.due.total(), as_json=as_json) as advance:
        for _ in range(_TURNS):
            for one in sealed_tables():
                for done in reseal(database, one):
                    advance(done.values)
