"""One writer per table, kept by PostgreSQL: what each service's role may do.

A role writes its service's tables and reads them and those upstream (intake ← dispatch ← tracking).
In: `METADATA`, where each table names its owner.  Out: statements, run after each migration for
the roles that exist; deploy/postgres-roles.sql makes the roles.
"""

from collections.abc import Collection

from sqlalchemy import Connection, Table, text

from shared.tables import tracking
from shared.tables.whole import METADATA

READS = {
    "intake": ("intake",),
    "dispatch": ("intake", "dispatch"),
    "tracking": ("intake", "dispatch", "tracking"),
}
BACK_EDGE = {"dispatch": (tracking.commands,)}


def role(service: str) -> str:
    """The PostgreSQL role that a service logs in as."""
    return f"writ_{service}"


def tables_of(service: str) -> list[Table]:
    """The tables that a service owns."""
    return [table for table in METADATA.sorted_tables if table.info["owner"] == service]


def grant(connection: Connection) -> None:
    """Gives every role that exists exactly its rights, within the running transaction."""
    known = connection.scalars(text("SELECT rolname FROM pg_roles"))
    for statement in grants(set(known)):
        connection.exec_driver_sql(statement)


def grants(roles: Collection[str]) -> list[str]:
    """The statements for these roles; those of others are left out."""
    services = [service for service in READS if role(service) in roles]
    return [statement for service in services for statement in _rights(service)]


def _rights(service: str) -> list[str]:
    own = tables_of(service)
    read = [table for upstream in READS[service] for table in tables_of(upstream)]
    read += BACK_EDGE.get(service, ())
    login = role(service)
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {login}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {login}",
        f"GRANT SELECT ON {_list(read)}, alembic_version TO {login}",
        f"GRANT INSERT, UPDATE, DELETE ON {_list(own)} TO {login}",
    ]
    # PostgreSQL numbers rows from a sequence, which has rights of its own.
    numbered = [(table.name, table.autoincrement_column) for table in own]
    sequences = [f"{name}_{column.name}_seq" for name, column in numbered if column is not None]
    if sequences:
        statements.append(f"GRANT USAGE ON SEQUENCE {', '.join(sequences)} TO {login}")
    return statements


def _list(tables: Collection[Table]) -> str:
    return ", ".join(table.name for table in tables)
