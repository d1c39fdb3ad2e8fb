"""The sandbox's root: wires SES, the print vendor, the faults and the postman together.

    sandbox = Sandbox(settings)
    sandbox.start()                               # receipts begin to leave
    with listening(sandbox.app, "127.0.0.1", 8002): ...
    sandbox.stop()

Production never starts it.  It imports no other service.
"""

from flask import Flask, Response

from services.sandbox import faults, lob, pingen, pingen_letter, print_vendor, ses, sqs, truth
from services.sandbox.certificates import Signer
from services.sandbox.postman import Postman
from services.sandbox.queue import Queues
from services.sandbox.ses_events import SnsWriter
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Store

STORE_FILE = "sandbox.sqlite"
QUEUE_FILE = "queue.sqlite"


class Sandbox:
    """One sandbox on one data directory: a Flask app, and the postman that posts its receipts."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.store = Store(settings.data_dir / STORE_FILE)
        self.signer = Signer.open(settings.data_dir)
        self.faults = faults.FaultBook(
            settings.seed,
            {
                **ses.LANES,
                **lob.LANES,
                **pingen.LANES,
                print_vendor.PROVIDER: {*print_vendor.REFUSALS, *faults.WireFault},
                sqs.LANE: sqs.KINDS,
            },
        )
        self.queues = Queues(settings.data_dir / QUEUE_FILE)
        self.postman = Postman(
            self.store,
            self.faults,
            writers={
                ses.PROVIDER: SnsWriter(self.signer, self.faults).write,
                lob.PROVIDER: lob.WebhookWriter(settings.webhook_secret).write,
                pingen.PROVIDER: pingen_letter.WebhookWriter(settings.webhook_secret).write,
                print_vendor.PROVIDER: print_vendor.WebhookWriter(settings.webhook_secret).write,
            },
            tracking_url=settings.tracking_url,
            queues={ses.PROVIDER: self.queues.put} if settings.receipts == "sqs" else {},
        )
        self.app = self._app(settings)

    def start(self) -> None:
        """Begin to post receipts."""
        self.postman.start()

    def stop(self) -> None:
        """Post what is in hand, then close; what is still owed is posted after the next start."""
        self.postman.stop()
        self.store.close()
        self.queues.close()

    def _app(self, settings: SandboxSettings) -> Flask:
        app = Flask(__name__)
        app.register_blueprint(ses.blueprint(settings, self.store, self.faults))
        app.register_blueprint(lob.blueprint(settings, self.store, self.faults))
        app.register_blueprint(pingen.blueprint(pingen.Desk(settings, self.store, self.faults)))
        app.register_blueprint(print_vendor.blueprint(settings, self.store, self.faults))
        app.register_blueprint(faults.blueprint(self.faults))
        app.register_blueprint(sqs.blueprint(self.queues, self.faults))
        app.register_blueprint(truth.blueprint(self.store, self.queues))

        @app.get("/sns/certificate.pem")
        def certificate() -> Response:
            return Response(self.signer.certificate, mimetype="application/x-pem-file")

        return app
