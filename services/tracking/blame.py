"""Tells whether an error is about one thing in hand, or whether nothing can be stored at all.

In: what was raised while several were stored at once.  Out: whether each may be tried alone.
"""

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError


def is_about_one(error: Exception) -> bool:
    """False: the database is away, or does not let us in; whoever tries again must wait."""
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError | IntegrityError)  # a value it will not take
    if isinstance(error, SQLAlchemyError):
        return isinstance(error, StatementError)  # it could not even be sent
    return True
