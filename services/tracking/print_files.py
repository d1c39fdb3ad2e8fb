"""The root of the fetcher: looks every so often for what a print house wrote, and takes it in.

In: settings.  Out: a FileFetcher, and a way to run it.  While the house or the database is away
nothing is lost: the files stay where they are.
"""

import threading
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.tracking.fetch_files import FileFetcher
from services.tracking.files_settings import FilesSettings
from services.tracking.receipts.sftp_manifest_form import read_answers_form
from services.tracking.take import Taker
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.sftp import LineFault, open_line

LONGEST_WAIT_S = 600.0

log = structlog.get_logger(__name__)


def make_fetcher(settings: FilesSettings, database: Database, *, clock: Clock = now) -> FileFetcher:
    """Raises SettingError."""
    return FileFetcher(
        form=read_answers_form(settings.house),
        open_line=partial(open_line, settings.partner),
        database=database,
        taker=Taker(database=database, catalogue=CatalogueReader(database), clock=clock),
        data_dir=settings.common.data_dir,
    )


def run_fetcher(fetcher: FileFetcher, stop: threading.Event, *, poll_s: float) -> None:
    """Until `stop` is set; what is in hand is done first."""
    failures = 0
    while not stop.is_set():
        try:
            fetcher.fetch()
            failures = 0
        except (LineFault, OSError, SQLAlchemyError) as error:
            failures += 1
            # The words of a database may quote what was to be stored.
            why = str(error) if isinstance(error, LineFault) else type(error).__name__
            log.error("files_not_fetched", error=type(error).__name__, why=why, failures=failures)
        stop.wait(min(poll_s * 2.0 ** min(failures, 10), max(poll_s, LONGEST_WAIT_S)))
