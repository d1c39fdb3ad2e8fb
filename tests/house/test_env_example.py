"""deploy/env.example names every setting there is, with its true default, and no other."""

import re

from tests.house.settings import settings_read
from tests.house.tree import ROOT

EXAMPLE = (ROOT / "deploy/env.example").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
SETTING = re.compile(r"^(#?)([A-Z][A-Z0-9_]+)=(.*)$", re.MULTILINE)
READ_BY_BOTO3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def test_every_setting_is_explained() -> None:
    missing = set(settings_read("services/*.py", "shared/*.py")) - set(examples())

    assert missing == set()


def test_no_setting_is_explained_that_nothing_reads() -> None:
    read = set(settings_read("services/*.py", "shared/*.py")) | passwords() | READ_BY_BOTO3

    assert set(examples()) - read == set()


def test_a_default_is_shown_as_it_is() -> None:
    shown = {name: value for mark, name, value in SETTING.findall(EXAMPLE) if mark}
    read = settings_read("services/*.py", "shared/*.py")

    wrong = {name for name in shown if shown[name] != (read.get(name) or "")}
    assert wrong == set()


def examples() -> list[str]:
    return [name for _, name, _ in SETTING.findall(EXAMPLE)]


def passwords() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))
