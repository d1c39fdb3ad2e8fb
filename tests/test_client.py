"""The client that openapi-python-client makes of our document works, typed, from key to tally."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
import urllib3

from tests.embedded import Embedded, writ_up

GUIDE = Path(__file__).parents[1] / "docs" / "api.md"
#: Forms of a body that has another form too, which it knows: JSON, multipart, JPEG.
NOT_KNOWN_TO_IT = {
    "application/x-ndjson",
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "image/png",
    "image/webp",
}
PATIENCE_S = 30


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def writ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with writ_up(tmp_path_factory.mktemp("writ")) as running:
        yield running


@pytest.fixture(scope="module")
def generated(writ: Embedded, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the generator said; its package can be imported from here on."""
    folder = tmp_path_factory.mktemp("client")
    document = folder / "writ.json"
    document.write_text(writ.writ("openapi"))
    [config] = re.findall(r"<<'YAML'\n(.*?)YAML", GUIDE.read_text(), re.DOTALL)
    (folder / "generate.yaml").write_text(config)
    tools = Path(sys.executable).parent
    made = subprocess.run(
        [
            str(tools / "openapi-python-client"),
            *("generate", "--path", str(document), "--config", "generate.yaml"),
        ],
        cwd=folder,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},  # it formats with ruff
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder / "writ-client"))
    return made.stdout + made.stderr


def client(name: str) -> ModuleType:
    """A module of what was generated: mypy cannot know it."""
    return import_module(f"writ_client.{name}")


@pytest.fixture
def api(writ: Embedded, generated: str) -> Iterator[Any]:
    assert generated
    with client("client").AuthenticatedClient(base_url=writ.url, token=writ.key()) as api:
        yield api


def test_the_generator_understands_the_document(generated: str) -> None:
    warned = re.findall(r"^WARNING .*$", generated, re.MULTILINE)
    unsupported = re.findall(r"^Unsupported content type (\S+)$", generated, re.MULTILINE)

    assert set(unsupported) == NOT_KNOWN_TO_IT
    assert len(warned) == len(unsupported)


def test_every_operation_is_a_module_of_its_own(writ: Embedded, generated: str) -> None:
    assert generated
    for methods in json.loads(writ.writ("openapi"))["paths"].values():
        for operation in methods.values():
            tag = operation["tags"][0].replace("-", "_")
            assert callable(client(f"api.{tag}.{operation['operationId']}").sync_detailed)


def test_an_action_and_a_batch_are_handed_in_and_followed(api: Any) -> None:
    models, types = client("models"), client("types")
    supporter = models.Supporter(name="Ana Example", email="ana@tools.example", country="PT")
    letter = models.NewAction(
        case="zhang-zhan", channel=models.Channel.LETTER, supporter=supporter, reference="r1"
    )
    wrong = models.NewAction(
        case="nobody", channel=models.Channel.LETTER, supporter=supporter, reference="r2"
    )

    post = client("api.actions.post_action")
    taken = post.sync(client=api, body=letter, idempotency_key="one")
    again = post.sync_detailed(client=api, body=letter, idempotency_key="one")
    batch = client("api.batch.post_batch").sync(client=api, body=[letter, wrong])
    seen = client("api.actions.get_action").sync(taken.id, client=api)
    listed = client("api.actions.list_actions").sync(client=api, reference="r1", limit=1)

    assert isinstance(taken, models.AcceptedAction)
    assert (taken.status, taken.mode) == (models.Status.ACCEPTED, models.Mode.TEST)
    assert again.parsed == taken
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [one.status for one in batch.results] == [models.Status.DUPLICATE, models.Status.INVALID]
    assert batch.results[0].duplicate_of == taken.id
    assert (batch.results[1].errors[0].pointer, batch.results[1].errors[0].code) == (
        "/case",
        "unknown_case",
    )
    assert isinstance(seen, models.ActionView)
    assert (seen.id, seen.reference, seen.consent.show_name) == (taken.id, "r1", True)
    assert not isinstance(seen.occurred_at, types.Unset)
    assert [one.id for one in listed.data] == [taken.id]


def test_the_timeline_the_delivery_and_the_tally_are_read_at_the_same_address(api: Any) -> None:
    models = client("models")
    email = models.NewAction(
        case="zhang-zhan",
        channel=models.Channel.EMAIL,
        supporter=models.Supporter(name="Rui Example", email="rui@tools.example"),
    )

    taken = client("api.actions.post_action").sync(client=api, body=email)
    timeline = _until_planned(api, taken.id)
    delivery_id = next(one.delivery for one in timeline.moments if one.delivery)
    delivery = client("api.status.get_delivery").sync(delivery_id, client=api)
    tally = client("api.status.get_tally").sync("write-for-rights-2021", client=api)

    assert isinstance(delivery, models.DeliveryDetail)
    assert delivery.channel is models.Channel.EMAIL
    assert delivery.recipient.slug == "cn-president"
    assert delivery.actions == [taken.id]
    assert sum(one.actions for one in tally.cases if one.case == "zhang-zhan") >= 1


def test_a_file_is_handed_in_as_a_form(api: Any) -> None:
    models, types = client("models"), client("types")
    table = BytesIO(b"Name;Country\nLea Example;CH\n")
    form = models.PostImportFilesBody(
        file=types.File(payload=table, file_name="bern.csv", mime_type="text/csv"),
        case="zhang-zhan",
        channel="letter",
    )

    taken = client("api.imports.post_import").sync(client=api, body=form)

    assert isinstance(taken, models.ImportView)
    assert (taken.file_name, taken.form) == ("bern.csv", "csv")


@pytest.mark.usefixtures("generated")
def test_a_problem_is_typed_too(writ: Embedded) -> None:
    models = client("models")

    with client("client").AuthenticatedClient(base_url=writ.url, token="writ_test_x") as stranger:
        refused = client("api.actions.list_cases").sync(client=stranger)

    assert isinstance(refused, models.ProblemDocument)
    assert (refused.status, refused.code) == (401, "key_invalid")


def test_the_served_document_is_the_one_the_command_prints(writ: Embedded) -> None:
    served = urllib3.request("GET", f"{writ.url}/openapi.json")

    assert served.json() == json.loads(writ.writ("openapi"))


def _until_planned(api: Any, action_id: UUID) -> Any:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        timeline = client("api.status.get_timeline").sync(action_id, client=api)
        if any(one.delivery for one in timeline.moments):
            return timeline
        time.sleep(0.2)
    pytest.fail("the action was not planned")
