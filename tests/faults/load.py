"""A constant load during the storm: a campaign tool that goes on whatever happens.

Every call carries its Idempotency-Key, and is repeated with the same key when no answer comes.
"""

import threading
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from services.cli.campaign_tool import CampaignTool
from services.cli.supporters import invent_actions
from tests.production import Production

A_SECOND = 30.0
THREADS = 12  # a stalled intake holds some


class ConstantLoad:
    """Submits in the background from `start` to `stop`; then it knows what was acknowledged."""

    def __init__(self, writ: Production, *, seed: int) -> None:
        self._writ = writ
        self._actions = invent_actions(writ.catalogue(), seed=seed)
        self._tools = [self._tool()]
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: self._tools[0].submit(self._paced()))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the last call is answered or given up."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def submit(self, number: int) -> None:
        """So many more, at once: when the storm is over."""
        tool = self._tool()
        self._tools.append(tool)
        tool.submit(islice(self._actions, number))

    @property
    def attempted(self) -> int:
        return sum(tool.result.submitted for tool in self._tools)

    @property
    def rejected(self) -> int:
        return sum(tool.result.rejected for tool in self._tools)

    @property
    def acknowledged(self) -> set[UUID]:
        """The actions that were answered with 202: for these Writ stands up."""
        return {UUID(one) for tool in self._tools for one in list(tool.result.accepted)}

    def _tool(self) -> CampaignTool:
        key = self._writ.client.key
        return CampaignTool(self._writ.intake_url, key, run=str(uuid4()), threads=THREADS)

    def _paced(self) -> Iterator[dict[str, Any]]:
        started = time.monotonic()
        for number, action in enumerate(self._actions):
            if self._over.wait(max(0.0, started + number / A_SECOND - time.monotonic())):
                return
            yield action
