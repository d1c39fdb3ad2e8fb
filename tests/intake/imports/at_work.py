"""`python -m tests.intake.imports.at_work DATABASE_URL`: works on files until it is killed."""

import sys
import time

from shared.database import Database
from tests.intake.builders import KEYRING, NOON
from tests.intake.imports.world import importer_for

if __name__ == "__main__":
    importer = importer_for(Database(sys.argv[1], KEYRING), lambda: NOON)
    while True:
        if not importer.work(NOON):
            time.sleep(0.01)
