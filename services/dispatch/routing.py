"""Chooses the provider of a delivery: its channel's way out, or nowhere for test-mode clients."""

from collections.abc import Mapping

from services.dispatch.deliver import Route
from services.dispatch.due import Due
from services.dispatch.hand_over import Provider
from services.dispatch.providers.dry_run import DryRun


def make_route(by_channel: Mapping[str, Provider]) -> Route:
    """A channel without a provider is not woken: see `Relay`."""
    nowhere = DryRun()

    def route(due: Due) -> Provider:
        return nowhere if due.mode == "test" else by_channel[due.channel]

    return route
