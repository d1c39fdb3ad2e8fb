"""A whole Writ in a process of its own, with the campaign of 2021 loaded; for tests that are users.

In: an empty directory.  Out: where it listens, and the `writ` command on its data.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from tests.servers import free_port

PACK = Path(__file__).parents[1] / "packs" / "write-for-rights-2021"
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Embedded:
    url: str
    env: dict[str, str]

    def writ(self, *words: str) -> str:
        """What the command says; it must end well."""
        command = [str(Path(sys.executable).with_name("writ")), *words]
        ended = subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def key(self, *options: str) -> str:
        """A new API key."""
        made = self.writ("key", "create", "a tool", *options)
        return made.split("key", 1)[1].split()[0]


@contextmanager
def writ_up(data: Path) -> Iterator[Embedded]:
    """`writ up` on `data`, ready, with the pack loaded."""
    names = ("WRIT_INTAKE_PORT", "WRIT_TRACKING_PORT", "WRIT_SANDBOX_PORT")
    ports = {name: str(free_port()) for name in names}
    env = {**os.environ, **ports, "WRIT_DATA_DIR": str(data)}
    writ = Embedded(f"http://127.0.0.1:{ports['WRIT_INTAKE_PORT']}", env)
    command = [str(Path(sys.executable).with_name("writ")), "up"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            _wait(running, writ.url)
            writ.writ("pack", "load", str(PACK))
            yield writ
        finally:
            running.terminate()
            running.wait(30)


def _wait(running: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not _serves(url):
        assert running.poll() is None, "Writ ended too early"
        assert time.monotonic() < end, "Writ did not come up"
        time.sleep(0.1)


def _serves(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/readyz", retries=False, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False
