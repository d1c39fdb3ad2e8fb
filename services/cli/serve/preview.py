"""The previews, which intake asks for."""

import click

from services.cli.serve.process import threads_option, workers_option
from services.dispatch import preview_app
from services.dispatch.preview_settings import PreviewSettings
from shared.logs import set_up_logs
from shared.wsgi import Gunicorn


@click.command("dispatch-preview")
@workers_option
@threads_option
def dispatch_preview(workers: int, threads: int) -> None:
    """Show intake what recipients would get.  Keeps nothing, sends nothing."""
    settings = PreviewSettings.from_env()
    set_up_logs(settings.logs, service="dispatch-preview")
    bind = f"{settings.host}:{settings.port}"
    Gunicorn(
        lambda: preview_app.create_app(settings), bind=bind, workers=workers, threads=threads
    ).run()
