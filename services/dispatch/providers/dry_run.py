"""Takes everything and sends nothing: where deliveries of test-mode clients go.

A campaign tool in development sees its letter planned, rendered and handed over, and no one is
written to.
"""

from uuid import UUID

from services.dispatch.providers.contract import Email, Letter, Taken


class DryRun:
    name = "dry_run"

    def send(self, email: Email) -> Taken:
        return Taken(provider_id=f"dry-{email.delivery_id}")

    def order(self, letter: Letter) -> Taken:
        return Taken(provider_id=f"dry-{letter.delivery_id}")

    def find(self, delivery_id: UUID) -> Taken | None:
        """Nothing is ever unclear here, so nothing is ever asked for."""
        return Taken(provider_id=f"dry-{delivery_id}")
