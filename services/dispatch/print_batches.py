"""The root of the sender of batches: looks every so often whether one is due, and sends it.

In: settings.  Out: a BatchSender, and a way to run it.  A house that is away costs no more than
time: the letters lie durably on our disk.
"""

import threading
from functools import partial

import structlog

from services.dispatch.providers.batches.house import read_house
from services.dispatch.providers.batches.send import BatchSender
from services.dispatch.providers.batches.tray import Tray
from services.dispatch.providers.sftp_manifest import FOLDER
from services.dispatch.vendor_settings.batches import BatchSettings
from shared.clock import Clock, now
from shared.sftp import LineFault, open_line

LONGEST_WAIT_S = 600.0

log = structlog.get_logger(__name__)


def make_sender(settings: BatchSettings) -> BatchSender:
    """Raises SettingError."""
    house = read_house(settings.house)
    return BatchSender(
        tray=Tray(settings.common.data_dir / FOLDER, house),
        house=house,
        open_line=partial(open_line, settings.partner),
    )


def run_sender(
    sender: BatchSender, stop: threading.Event, *, poll_s: float, clock: Clock = now
) -> None:
    """Until `stop` is set; what is under way ends first."""
    failures = 0
    while not stop.is_set():
        try:
            sender.send_due(clock())
            failures = 0
        except (LineFault, OSError) as error:
            failures += 1
            why = str(error) if isinstance(error, LineFault) else type(error).__name__
            log.error("batches_not_sent", error=type(error).__name__, why=why, failures=failures)
        stop.wait(min(poll_s * 2.0 ** min(failures, 10), max(poll_s, LONGEST_WAIT_S)))
