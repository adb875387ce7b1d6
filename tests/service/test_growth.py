"""What it takes to grow: a capability is one declaration and rows, a model is a row here and one in the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import Field

from kling_pipeline.catalog.catalog import Catalog, load_catalog
from kling_pipeline.catalog.declaration import (
    Capability,
    Image,
    Look,
    ModelName,
    Prompt,
    Request,
)
from kling_pipeline.catalog.models import read_models
from kling_pipeline.catalog.prices import read_prices
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.kling.client import Keys, KlingAIClient
from kling_pipeline.pipeline import Pipeline
from kling_pipeline.settings import Settings
from kling_pipeline.storage.store import Store
from tests.conftest import KEYS, ROOT, Simulator, wait_for
from tests.pictures import picture
from tests.unit.simulator_client import SimulatorClient
from ui.api.routes import add_routes
from ui.page import build_page

OWNER = "local"

# What the one file of a new capability would hold: here widening a picture, which Kling serves and we do not yet.


class Widen(Request):
    """Kling docs, outpaint, Sept 2026."""

    image: Image
    prompt: Prompt
    model_name: ModelName = "outpaint"
    n: Annotated[int, Field(ge=1, le=9), Look("number", advanced=True)] = 1
    up_expansion_ratio: Annotated[float, Field(ge=0, le=2), Look("slider", step=0.1)] = 0.1
    down_expansion_ratio: Annotated[float, Field(ge=0, le=2), Look("slider", step=0.1)] = 0.1
    left_expansion_ratio: Annotated[float, Field(ge=0, le=2), Look("slider", step=0.1)] = 0.5
    right_expansion_ratio: Annotated[float, Field(ge=0, le=2), Look("slider", step=0.1)] = 0.5


WIDEN = Capability(
    id="widen", title="Widen", group="image", makes="image", credit_key="kling_widen", request=Widen
)
# The rows that would be added to models.toml.
ROWS = """
[[route]]
id = "expand"
path = "/v1/images/editing/expand"
result = "images"
pool = "image"

[[model]]
capability = "widen"
name = "outpaint"
contracts = ["vendor"]
default = true
status = "alive"
route = "expand"
price = "image-flat-8"
send_name = false
source = "outpaint"
as_of = "2026-09"
[model.takes]
image = true
prompt = true
n = true
up_expansion_ratio = true
down_expansion_ratio = true
left_expansion_ratio = true
right_expansion_ratio = true

[[model]]
capability = "text_to_video"
name = "kling-v9"
contracts = ["vendor"]
status = "alive"
route = "text2video"
price = "video-3.0"
source = "announced this morning"
as_of = "2026-11-26"
[model.takes]
prompt = true
mode = ["std", "pro"]
duration = ["5"]
aspect_ratio = ["16:9"]
sound = ["off", "on"]
"""
# And the one in the simulator's table.
SIMULATED = """
[[model]]
name = "kling-v9"
on = ["text2video"]
state = "alive"
modes = ["std", "pro"]
seconds = ["5"]
supports = { sound = ["std", "pro"] }
price = { std = "0.6", pro = "0.8", "std+sound" = "0.9", "pro+sound" = "1.2" }
"""


class Grown:
    """A studio over a catalogue with one declaration and two rows more."""

    def __init__(self, folder: Path, kling_url: str) -> None:
        rows = (ROOT / "data" / "models.toml").read_text("utf-8") + ROWS
        (folder / "models.toml").write_text(rows, "utf-8")
        known = load_catalog("vendor")
        catalog = Catalog(
            [*known.capabilities.values(), WIDEN],
            read_models(folder / "models.toml", "vendor"),
            read_prices(ROOT / "data" / "prices.toml"),
        )
        settings = Settings(
            _env_file=None, studio_data_dir=folder,
            kling_access_key=KEYS[0], kling_secret_key=KEYS[1], studio_time_scale=20,
        )  # fmt: skip
        self.store = Store(folder / "studio.db")
        self.client = KlingAIClient(kling_url, Keys.of(settings))
        self.pipeline = Pipeline(Engine(settings, catalog, self.store, self.client))
        app = FastAPI()
        add_routes(app, self.pipeline, lambda: True)
        self.http = TestClient(app)

    def ended(self, capability: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post("/api/jobs", json={"capability": capability, "params": params})
        assert answer.status_code == 201, answer.text
        (job,) = answer.json()["jobs"]

        def look() -> dict[str, Any] | None:
            for job_id in self.pipeline.tick():
                self.pipeline.advance(job_id)
            shown: dict[str, Any] = self.http.get(f"/api/jobs/{job['id']}").json()
            return shown if shown["state"] in ("done", "failed") else None

        return dict(wait_for(look, "the job"))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    folder = tmp_path_factory.mktemp("grown")
    kling = Simulator(folder)
    made = Grown(folder, kling.url)
    yield made
    made.client.close()
    made.store.close()
    kling.stop()


def test_a_declared_capability_has_its_tab_and_its_api(grown: Grown) -> None:
    page = build_page(grown.pipeline)
    ids = {getattr(block, "elem_id", None) for block in page.blocks.values()}
    assert "t-widen" in ids
    mine = {name for name in ids if name and "widen" in name}
    others = {name for name in ids if name and "face_swap" in name}
    assert len(mine) >= len(others) - 2, "the tab has all that other tabs have"
    (row,) = [
        row
        for row in grown.http.get("/api/capabilities").json()["capabilities"]
        if row["id"] == "widen"
    ]
    assert (row["makes"], row["credit_key"]) == ("image", "kling_widen")
    assert set(row["schema"]["properties"]) == set(Widen.model_fields)


def test_it_has_a_price_and_a_job_that_ends_done(grown: Grown) -> None:
    image = grown.http.post("/api/uploads", files={"file": ("x", picture())}).json()["asset"]["id"]
    params = {"image": image, "prompt": "more sky", "n": 2}
    quote = grown.http.post("/api/quote", json={"capability": "widen", "params": params}).json()
    assert quote["price"] == 56
    done = grown.ended("widen", params)
    assert (done["state"], done["error"]) == ("done", None)
    assert [asset["kind"] for asset in done["assets"]] == ["image", "image"]
    assert grown.pipeline.credits(OWNER)["spent"] == 56
    wrong = grown.http.post(
        "/api/quote", json={"capability": "widen", "params": {**params, "up_expansion_ratio": 3}}
    )
    assert list(wrong.json()["error"]["fields"]) == ["up_expansion_ratio"]


def test_a_model_is_a_row_here_and_one_in_the_simulator(grown: Grown, tmp_path: Path) -> None:
    params = {"prompt": "a boat", "model_name": "kling-v9", "sound": "on", "mode": "pro"}
    quote = grown.http.post("/api/quote", json={"capability": "text_to_video", "params": params})
    assert quote.json()["price"] == 840
    refused = grown.ended("text_to_video", params)
    assert refused["state"] == "failed", "the simulator does not know it yet"
    assert "kling-v9" in refused["error"]["message"]
    (tmp_path / "more.toml").write_text(SIMULATED, "utf-8")
    parsed = grown.pipeline.catalog.parse("text_to_video", params, {})
    body = grown.pipeline.catalog.body("text_to_video", parsed.model.name, parsed.sent, {})
    with SimulatorClient(rules=tmp_path / "more.toml") as kling:
        done = kling.create_and_wait(parsed.model.route.path, body)
    assert done["task_status"] == "succeed"
    assert Decimal(done["final_unit_deduction"]) * grown.pipeline.catalog.unit("video") == 840
