"""What the processes of all services have alike."""

import click

from shared.database import Database
from shared.privacy import Keyring
from shared.settings import CommonSettings

workers_option = click.option("--workers", default=2, show_default=True, help="Processes.")
threads_option = click.option("--threads", default=8, show_default=True, help="Threads in each.")


def open_database(common: CommonSettings, *, threads: int = 4) -> Database:
    return Database(common.database_url, Keyring.parse(common.privacy_keys), pool_size=threads + 2)
