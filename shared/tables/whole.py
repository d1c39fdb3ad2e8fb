"""METADATA, once every table is declared: for whoever must know them all.

A new file of tables has its line here.
"""

from shared.tables import dispatch, intake, pacing, replies, routes, tracking, writing_events
from shared.tables.columns import METADATA

__all__ = ["METADATA"]

# Importing fills it.
_DECLARED = (intake, writing_events, dispatch, pacing, routes, tracking, replies)
