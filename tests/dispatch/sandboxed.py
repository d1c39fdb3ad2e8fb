"""SES as dispatch calls it, answered by the sandbox on a real socket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from services.dispatch.providers.ses import Ses
from services.sandbox.app import Sandbox
from services.sandbox.wire import THREADS
from shared.wsgi import listening
from tests.dispatch.providers.amazon import a_client
from tests.sandbox.world import SETTINGS


@dataclass(frozen=True, slots=True)
class SandboxedSes:
    ses: Ses
    sandbox: Sandbox

    def emails(self) -> list[dict[str, Any]]:
        """Everything it knows of what it really took, the first first."""
        with self.sandbox.store.reading() as db:
            taken = db.execute("SELECT delivery_id, facts FROM accepted ORDER BY seq").fetchall()
        return [json.loads(facts) | {"delivery_id": delivery} for delivery, facts in taken]


@contextmanager
def a_sandboxed_ses(data_dir: Path) -> Iterator[SandboxedSes]:
    """Its credentials open nothing."""
    sandbox = Sandbox(replace(SETTINGS, data_dir=data_dir))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with listening(sandbox.app, "127.0.0.1", 0, threads=THREADS) as port:
            client = a_client(f"http://127.0.0.1:{port}", read_timeout_s=5)
            yield SandboxedSes(Ses(client, "writ"), sandbox)
            client.close()
    sandbox.store.close()
