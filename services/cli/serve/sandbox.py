"""The sandbox, which production never starts."""

import click

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from services.sandbox.wire import THREADS
from shared.logs import set_up_logs
from shared.settings import Env, LogSettings
from shared.worker import stop_signal
from shared.wsgi import listening


@click.command()
def sandbox() -> None:
    """Stand in for SES and the print vendor.  Never in production."""
    env = Env()
    set_up_logs(LogSettings.from_env(env), service="sandbox")
    stop = stop_signal()
    world = Sandbox(SandboxSettings.from_env(env))
    host, port = env.text("WRIT_HOST", "127.0.0.1"), env.whole("WRIT_SANDBOX_PORT", 8002)
    with listening(world.app, host, port, threads=THREADS):
        world.start()
        stop.wait()
    world.stop()
