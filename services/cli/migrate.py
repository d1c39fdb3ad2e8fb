"""Brings the database to the tables of this version."""

import click

from shared.database import Database
from shared.migrate import migrate as run_migrations
from shared.privacy import Keyring
from shared.settings import Env


@click.command()
def migrate() -> None:
    """Bring the database to the tables of this version."""
    env = Env()
    keyring = Keyring.parse(env.text("WRIT_PRIVACY_KEYS"))
    run_migrations(Database(env.text("WRIT_DATABASE_URL"), keyring))
    click.echo("the database is up to date")
