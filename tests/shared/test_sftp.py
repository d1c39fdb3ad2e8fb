"""A conversation over SFTP with a partner whose key we know, on a real OpenSSH server."""

import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from shared.clock import new_id
from shared.settings import Env, SettingError
from shared.sftp import Distrusted, LineLost, Partner, Refused, open_line
from tests.servers import PrivateSshd


@pytest.fixture
def folder(sshd: PrivateSshd) -> Path:
    return sshd.folder(new_id().hex)


def a_key() -> Any:
    return asyncssh.generate_private_key("ssh-ed25519")


def public(key: Any) -> str:
    return str(key.export_public_key().decode().strip())


def private(key: Any) -> str:
    return str(key.export_private_key().decode())


def refusal(partner: Partner) -> str:
    with pytest.raises(Distrusted) as raised, open_line(partner):
        pass
    return str(raised.value)


def test_a_partner_with_another_host_key_is_refused_at_first_sight(sshd: PrivateSshd) -> None:
    told = refusal(replace(sshd.partner, host_keys=(public(a_key()),)))

    assert told == "its host key is none of those we know"


def test_a_partner_may_be_known_by_its_old_key_and_its_new_one(sshd: PrivateSshd) -> None:
    keys = (public(a_key()), *sshd.partner.host_keys)

    with open_line(replace(sshd.partner, host_keys=keys)) as line:
        assert line.sizes("nowhere") is None


def test_whoever_has_another_key_is_not_let_in(sshd: PrivateSshd) -> None:
    assert "does not let us in" in refusal(replace(sshd.partner, key=private(a_key())))


def test_a_partner_that_is_away_is_lost_and_not_distrusted(sshd: PrivateSshd) -> None:
    with pytest.raises(LineLost), open_line(replace(sshd.partner, port=1)):
        pass


def test_a_partner_that_says_nothing_is_lost_in_time(sshd: PrivateSshd) -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = replace(sshd.partner, port=server.getsockname()[1], connect_timeout_s=0.2)
        with pytest.raises(LineLost), open_line(silent):
            pass

    assert time.monotonic() - started < 30


def test_files_are_put_and_stand_there_whole(
    sshd: PrivateSshd, folder: Path, tmp_path: Path
) -> None:
    files = {f"{number}.pdf": tmp_path / str(number) for number in range(40)}
    for number, file in enumerate(files.values()):
        file.write_bytes(bytes([number]) * 200_000)

    with open_line(sshd.partner) as line:
        line.make(f"{folder.name}/new")
        line.make(f"{folder.name}/new")
        line.put(f"{folder.name}/new", files)
        sizes = line.sizes(f"{folder.name}/new")

    assert sizes == dict.fromkeys(files, 200_000)
    assert {name: (folder / "new" / name).read_bytes() for name in files} == {
        name: file.read_bytes() for name, file in files.items()
    }


def test_a_file_is_written_over_and_read_as_far_as_asked(sshd: PrivateSshd, folder: Path) -> None:
    path = f"{folder.name}/READY"

    with open_line(sshd.partner) as line:
        line.write(path, b"first")
        line.write(path, b"second")
        read, size, at = line.read(path, most_bytes=2), line.size(path), line.changed_at(path)

    assert (read, size) == (b"sec", 6)
    assert at == int((folder / "READY").stat().st_mtime)
    assert [one.name for one in folder.iterdir()] == ["READY"]


def test_a_name_that_is_taken_is_not_renamed_over_but_may_be_replaced(
    sshd: PrivateSshd, folder: Path
) -> None:
    old, new = f"{folder.name}/old", f"{folder.name}/new"
    with open_line(sshd.partner) as line:
        line.write(old, b"old")
        line.write(new, b"new")
        with pytest.raises(Refused):
            line.rename(old, new)
        line.replace(old, new)

        assert (line.size(old), line.read(new, most_bytes=9)) == (None, b"old")


def test_what_is_not_there_is_none_or_refused(sshd: PrivateSshd, folder: Path) -> None:
    with open_line(sshd.partner) as line:
        line.remove(f"{folder.name}/nothing")

        assert (line.size("nothing"), line.changed_at("nothing")) == (None, None)
        with pytest.raises(Refused, match="SFTPNoSuchFile"):
            line.read("nothing", most_bytes=9)


def told(sshd: PrivateSshd, **changes: str) -> Env:
    values = {
        "WRIT_SFTP_HOST": "sftp.house.example",
        "WRIT_SFTP_USER": "writ",
        "WRIT_SFTP_KEY": sshd.partner.key,
        "WRIT_SFTP_HOST_KEYS": ",".join(sshd.partner.host_keys),
    }
    return Env(values | changes)


def test_a_partner_is_read_from_the_settings_and_shows_no_key(sshd: PrivateSshd) -> None:
    partner = Partner.from_env(told(sshd))
    partner.check()

    assert (partner.port, partner.host_keys) == (22, sshd.partner.host_keys)
    assert "PRIVATE KEY" not in repr(partner)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WRIT_SFTP_HOST", ""),
        ("WRIT_SFTP_USER", ""),
        ("WRIT_SFTP_PORT", "0"),
        ("WRIT_SFTP_HOST_KEYS", ""),
        ("WRIT_SFTP_HOST_KEYS", "ssh-ed25519 nothing"),
        ("WRIT_SFTP_KEY", ""),
        ("WRIT_SFTP_KEY", "no key at all"),
    ],
)
def test_a_setting_that_cannot_be_is_named(name: str, value: str, sshd: PrivateSshd) -> None:
    with pytest.raises(SettingError, match=name):
        Partner.from_env(told(sshd, **{name: value})).check()
