"""Whatever the form accepts, the simulator accepts, and for the same price.

Both know Kling's rules, each from its own reading; requests are drawn from the declarations and sent past the queue.
STUDIO_EXAMPLES=500 draws that many for each capability, anew every time.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import annotated_types
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from kling_pipeline.catalog.catalog import Catalog, load_catalog
from kling_pipeline.catalog.declaration import Capability, Look, Media
from kling_pipeline.errors import InputError, KlingError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.idempotency import JobRequest
from kling_pipeline.jobs.inputs import thaw
from kling_pipeline.jobs.quote import quote_request
from kling_pipeline.jobs.uploads import keep_upload
from kling_pipeline.kling.client import Keys, KlingAIClient
from kling_pipeline.settings import Settings
from kling_pipeline.storage.store import Store
from tests.conftest import KEYS, Simulator
from tests.pictures import picture
from tests.unit.simulator_client import video_file, wav_base64

EXAMPLES = int(os.environ.get("STUDIO_EXAMPLES", "0"))
CATALOG = load_catalog("vendor")
OWNER = "local"
LINK = "https://example.com/elsewhere"
SETTINGS = settings(
    max_examples=EXAMPLES or 8,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# A task that is bound to fail is never drawn, which is all that takes long.
PROMPTS = [
    "[fail] <<<image_1>>> and <<<image_2>>> in <<<video_1>>>",
    "[fail]",
    "船 [fail] " * 200,
    " ",
]
TEXTS = ["A boat goes down the river and out to the sea.", "河流入海，" * 9]
VOICES = ["oversea_male1", "genshin_vindi2", "tiyuxi_xuedi", "nobody"]


class Desk:
    """An engine without a worker and the simulator it sends to, with files of every kind."""

    def __init__(self, folder: Path) -> None:
        self.kling = Simulator(folder, speed=100_000)
        self.store = Store(folder / "studio.db")
        made = Settings(
            _env_file=None, studio_data_dir=folder,
            kling_access_key=KEYS[0], kling_secret_key=KEYS[1], studio_time_scale=0.2,
        )  # fmt: skip
        self.client = KlingAIClient(self.kling.url, Keys.of(made), timeout=60)
        self.engine = Engine(made, CATALOG, self.store, self.client, expose_file=self.expose_file)
        self.files: dict[str, list[str]] = {
            "image": [self.keep(picture(*size)) for size in ((1280, 720), (300, 700), (200, 900))],
            "video": [
                self.keep(video_file(seconds, *size, fps))
                for seconds, *size, fps in (
                    (5, 720, 720, 24), (8, 1280, 720, 30), (3, 480, 480, 24),
                    (12, 720, 720, 24), (6, 720, 720, 24), (5, 720, 720, 12),
                )
            ],
            "audio": [self.keep(base64.b64decode(wav_base64(seconds))) for seconds in (1, 3, 7)],
        }  # fmt: skip

    def keep(self, data: bytes) -> str:
        return str(keep_upload(self.engine, OWNER, data)["id"])

    def expose_file(self, path: Path) -> str:
        address = f"{self.kling.url}/_simulator/inputs/{path.suffix.lstrip('.')}"
        request = urllib.request.Request(address, data=path.read_bytes(), method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return str(json.loads(answer.read())["url"])

    def send(self, capability: str, params: dict[str, Any]) -> tuple[int, Decimal]:
        """Our price, and what Kling takes for the calls and the task; KlingError when it refuses one."""
        quote = quote_request(self.engine, OWNER, JobRequest(capability, params))
        found, model = quote.parsed.listing.capability, quote.parsed.model
        fields, step_results = json.loads(quote.measured.stored)["fields"], quote.step_results
        units = Decimal(0)
        for call in found.steps(fields, step_results):
            data = self.client.ask(
                call.path, thaw(self.engine, OWNER, call.build(fields, step_results))
            )
            units += Decimal(data["final_unit_deduction"])
            step_results = {
                **step_results,
                call.result_key: {**call.read(data, step_results), "asked": call.asked(fields)},
            }
        body = CATALOG.body(capability, model.name, fields, step_results)
        body = {
            name: value
            for name, value in thaw(self.engine, OWNER, body).items()
            if value is not None
        } | {"external_task_id": secrets.token_hex(8)}
        task = self.client.create(model.route, body, expires=2**31, timeout=60)
        (told,) = (one for one in self.kling.tasks() if one["task_id"] == task.id)
        product = quote.parsed.price.product
        return quote.each, (units + Decimal(told["units"])) * CATALOG.unit(product)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("agreement"))
    yield made
    made.client.close()
    made.store.close()
    made.kling.stop()


def requests(catalog: Catalog, capability: Capability, files: dict[str, list[str]]) -> Any:
    """Requests of a capability, most of them near what one of its models takes."""

    @st.composite
    def draw_request(draw: st.DrawFn) -> dict[str, Any]:
        model = draw(st.sampled_from(catalog.models(capability.id)))
        tame = draw(st.integers(0, 4)) > 0
        asked: dict[str, Any] = {}
        for name, info in capability.request.model_fields.items():
            if name in ("model_name", "session", "face_id"):
                continue
            limit = model.limits.get(name)
            if not info.is_required() and (draw(st.booleans()) or (tame and limit is None)):
                continue
            free = not limit or not limit.values or not tame
            asked[name] = draw(values(name, info, files) if free else st.sampled_from(limit.values))
        if "model_name" in capability.request.model_fields:
            asked["model_name"] = model.name
        if tame and "prompt" in asked:
            named = ["video_1"] if "video" in asked else []
            named += [f"image_{index + 1}" for index in range(len(asked.get("image_list", [])))]
            asked["prompt"] = " ".join(["[fail]", *(f"<<<{one}>>>" for one in named)])
        return asked

    return draw_request()


def values(name: str, info: Any, files: dict[str, list[str]]) -> Any:
    """Anything that the declaration of one field lets through, and a little more."""
    marks = info.metadata
    media = next((mark for mark in marks if isinstance(mark, Media)), None)
    look = next(mark for mark in marks if isinstance(mark, Look))
    if media is not None:
        # A sound or a video elsewhere is not measured by either side, so nothing can be said about it.
        links = [LINK] if media.kind == "image" else []
        one = st.sampled_from(files[media.kind] + links)
        return st.lists(one, max_size=media.most) if media.most > 1 else one
    if look.widget == "camera":
        config = st.dictionaries(st.sampled_from(["zoom", "pan"]), st.integers(-10, 10))
        kind = st.sampled_from(["simple", "down_back"])
        return st.fixed_dictionaries({"type": kind}, optional={"config": config})
    if name == "points":
        point = st.fixed_dictionaries({"x": st.floats(0, 1), "y": st.floats(0, 1)})
        return st.lists(point, max_size=3)
    bounds = [mark for mark in marks if isinstance(mark, annotated_types.Interval)]
    low = next(
        (one.ge for one in [*marks, *bounds] if hasattr(one, "ge") and one.ge is not None), None
    )
    high = next(
        (one.le for one in [*marks, *bounds] if hasattr(one, "le") and one.le is not None), None
    )
    if low is not None:
        whole = int in (info.annotation, *get_args(info.annotation))
        top = high if high is not None else 30
        return st.integers(int(low), int(top)) if whole else st.floats(low, top)
    words = {"prompt": PROMPTS, "negative_prompt": ["blurry"], "text": TEXTS, "voice_id": VOICES}
    if name in words:
        return st.sampled_from(words[name])
    return st.sampled_from([one for one in literals(info.annotation) if one is not None])


def literals(annotation: Any) -> list[Any]:
    found: list[Any] = []
    for one in get_args(annotation):
        found += literals(one) if get_args(one) else [one]
    return found


@pytest.mark.parametrize("name", sorted(CATALOG.capabilities))
def test_what_the_form_accepts_the_simulator_accepts_for_the_same_price(
    desk: Desk, name: str
) -> None:
    capability = CATALOG.capability(name)

    @SETTINGS
    @given(params=requests(CATALOG, capability, desk.files))
    def agree(params: dict[str, Any]) -> None:
        try:
            ours, theirs = desk.send(name, params)
        except InputError as error:
            event(f"our form refuses {sorted(error.fields)}")
            assume(False)
        except KlingError as error:
            raise AssertionError(
                f"accepted here, refused there: {error.message} {params}"
            ) from None
        if params.get("series_amount") == "auto":
            assert ours >= theirs, "how many pictures Kling makes of 'auto' is its own choice"
        else:
            assert ours == theirs, params

    agree()
