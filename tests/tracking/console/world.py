"""A console with a catalogue, and papers to look at."""

import io
from email.message import EmailMessage
from pathlib import Path

import pikepdf
from flask.testing import FlaskClient
from sqlalchemy import select

from services.tracking.app import create_app
from shared.database import Database
from shared.tables.tracking import commands
from tests.tracking.builders import noon, some_settings
from tests.tracking.test_api import THE_CAMPAIGN, THE_OFFICE, load

HOSTILE = '<script>alert("x")</script>{{ 7 * 7 }}'


def a_console(data_dir: Path, database: Database, *, password: str = "") -> FlaskClient:
    load(database, recipient=THE_OFFICE, campaign=THE_CAMPAIGN)
    settings = some_settings(data_dir, console_password=password)
    return create_app(settings, database, noon).test_client()


def an_email(data_dir: Path, name: str = "a/one.eml") -> str:
    message = EmailMessage()
    message["Subject"] = HOSTILE
    message["From"] = "Ada Example <letters@campaign.example>"
    message["To"] = "office@recipient.example"
    message.set_content(f"Dear Minister, {HOSTILE}")
    message.add_alternative("<p>Dear <b>Minister</b></p><script>alert(1)</script>", subtype="html")
    return keep(data_dir, name, message.as_bytes())


def a_letter(data_dir: Path, name: str = "a/one.pdf", *, pages: int = 2) -> str:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(595, 842))
        pdf.save(out)
    return keep(data_dir, name, out.getvalue())


def keep(data_dir: Path, name: str, content: bytes) -> str:
    path = data_dir / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def verbs(database: Database) -> list[str]:
    """What was asked of dispatch."""
    with database.read() as connection:
        return list(connection.scalars(select(commands.c.verb).order_by(commands.c.seq)))
