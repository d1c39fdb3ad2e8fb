"""The database that a command works on, and who gives the command."""

import getpass
import os
from pathlib import Path

from services.cli.environment import environment, has_secrets, secrets
from shared.database import Database
from shared.migrate import is_migrated
from shared.privacy import Keyring
from shared.settings import Env, SettingError


def open_database() -> Database:
    """The one that WRIT_DATABASE_URL names, or else the embedded Writ's, also while it runs."""
    env = settings()
    keyring = Keyring.parse(env.text("WRIT_PRIVACY_KEYS"))
    database = Database(env.text("WRIT_DATABASE_URL"), keyring)
    if not is_migrated(database):
        raise SettingError("the database lacks this version's tables: run `writ migrate` first")
    return database


def settings() -> Env:
    """The environment, or else the embedded Writ's own settings."""
    if os.environ.get("WRIT_DATABASE_URL"):
        return Env()
    own = environment({})
    data_dir = Path(own["WRIT_DATA_DIR"])
    if not has_secrets(data_dir):
        raise SettingError(
            f"WRIT_DATABASE_URL is not set, and there is no Writ in {data_dir} yet; `writ up`"
            " makes one"
        )
    return Env(secrets(data_dir) | own)


def operator() -> str:
    """Who gives this command, for the audit log."""
    try:
        return f"operator {getpass.getuser()}"
    except (KeyError, OSError):  # a container's user may have no name
        return f"operator {os.getuid()}"
