"""Settings are read once and say loudly what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.dispatch.settings import Settings
from shared.settings import CommonSettings, Env, SettingError

NEEDED = {
    "WRIT_DATABASE_URL": "sqlite://",
    "WRIT_BROKER_URL": "stub://",
    "WRIT_PRIVACY_KEYS": "a:b",
}


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    env = Env({"KEY_FILE": str(tmp_path / "secret")})

    assert env.text("KEY") == "from the file"


@pytest.mark.parametrize(
    ("read", "values", "what"),
    [
        (lambda env: env.text("NAME"), {}, "NAME is not set"),
        (lambda env: env.text("NAME"), {"NAME_FILE": "/nowhere/at/all"}, "NAME_FILE names a file"),
        (lambda env: env.whole("NAME", 1), {"NAME": "eighty"}, "whole number, got 'eighty'"),
        (lambda env: env.whole("NAME", 1), {"NAME": "-1"}, "whole number"),
        (lambda env: env.whole("NAME", 1), {"NAME": "٣"}, "whole number"),
        (lambda env: env.seconds("NAME", 1), {"NAME": "soon"}, "number of seconds"),
        (lambda env: env.seconds("NAME", 1), {"NAME": "-1"}, "number of seconds"),
        (lambda env: env.seconds("NAME", 1), {"NAME": "nan"}, "number of seconds"),
        (lambda env: env.seconds("NAME", 1), {"NAME": "inf"}, "number of seconds"),
        (lambda env: env.flag("NAME", default=True), {"NAME": "true"}, "yes or no"),
        (lambda env: env.choice("NAME", "a", among=("a", "b")), {"NAME": "c"}, "one of a, b"),
    ],
)
def test_a_wrong_value_is_named(
    read: Callable[[Env], object], values: dict[str, str], what: str
) -> None:
    with pytest.raises(SettingError, match=what) as error:
        read(Env(values))

    assert "NAME" in str(error.value)


def test_what_is_not_set_has_its_default() -> None:
    env = Env({"EMPTY": ""})

    assert (env.whole("A", 3), env.seconds("A", 0.5), env.flag("A", default=True)) == (3, 0.5, True)
    assert (env.text("EMPTY", "d"), env.words("A", "x, y,"), env.words("EMPTY")) == (
        "d",
        ("x", "y"),
        (),
    )


def test_an_environment_that_nobody_named_is_production() -> None:
    settings = CommonSettings.from_env(Env(NEEDED))

    assert settings.production is True
    assert settings.data_dir.is_absolute()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"WRIT_SES_ENDPOINT_URL": "http://127.0.0.1:1"}, "WRIT_SES_ENDPOINT_URL"),
        ({"WRIT_PRINT_URL": "http://127.0.0.1:1"}, "WRIT_PRINT_URL"),
        (
            {"WRIT_PRINT_URL": "https://print.example", "WRIT_PRINT_API_KEY": "sandbox-1"},
            "WRIT_PRINT_API_KEY",
        ),
        ({"WRIT_CLAIM_TTL_S": "49"}, "WRIT_CLAIM_TTL_S"),
    ],
)
def test_production_refuses_what_only_development_may_trust(
    changes: dict[str, str], names: str
) -> None:
    with pytest.raises(SettingError, match=names):
        Settings.from_env(Env(NEEDED | changes))


def test_development_may_trust_the_sandbox() -> None:
    sandbox = {
        "WRIT_ENVIRONMENT": "development",
        "WRIT_SES_ENDPOINT_URL": "http://127.0.0.1:1",
        "WRIT_PRINT_API_KEY": "sandbox-1",
    }

    assert Settings.from_env(Env(NEEDED | sandbox)).common.production is False
