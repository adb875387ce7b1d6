"""From a click to a stored clip, over real HTTP, with Huey and the simulator."""

from __future__ import annotations

import base64
import io
import json

import av
import httpx
import pytest

from tests.pictures import bomb, picture

T2V = {"prompt": "a paper boat on a quiet pond"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One studio with keys for the whole file, its Kling a fast simulator."""
    from tests.conftest import KEYS, App, Simulator  # noqa: PLC0415  # the fixtures of one module

    folder = tmp_path_factory.mktemp("spine")
    (folder / "var").mkdir()
    kling = Simulator(folder)
    started = App(
        folder / "var", KLING_BASE_URL=kling.url, KLING_ACCESS_KEY=KEYS[0], KLING_SECRET_KEY=KEYS[1],
        STUDIO_TIME_SCALE="20", STUDIO_OPENING_CREDITS="5000",
    ).ready()  # fmt: skip
    started.kling = kling
    yield started
    started.stop()
    kling.stop()


def clip_facts(data: bytes) -> tuple[str, int, int, float]:
    with av.open(io.BytesIO(data)) as file:
        stream = file.streams.video[0]
        seconds = float(stream.frames / stream.average_rate)
        return stream.codec_context.name, stream.width, stream.height, seconds


def test_text_becomes_a_stored_clip_that_is_settled_exactly(app):
    before = app.credits()
    (job,) = app.submit("text_to_video", {**T2V, "aspect_ratio": "9:16"})
    assert job["state"] in ("queued", "sending", "running")
    assert job["price"] == 210
    done = app.wait_state(job["id"], "done", "failed")
    assert (done["state"], done["progress"], done["error"]) == ("done", 100, None)
    (asset,) = done["assets"]
    data = app.http.get(asset["url"])
    assert data.headers["content-type"] == "video/mp4"
    assert data.headers["x-content-type-options"] == "nosniff"
    codec, width, height, seconds = clip_facts(data.content)
    assert codec == "h264"
    assert width < height
    assert seconds == pytest.approx(5, abs=0.1)
    assert app.http.get(asset["poster_url"]).content[:3] == b"\xff\xd8\xff"
    after = app.credits()
    assert after == {
        "user": "local",
        "available": before["available"] - 210,
        "held": 0,
        "spent": before["spent"] + 210,
    }


def test_an_uploaded_picture_becomes_a_clip_and_the_end_frame_needs_pro(app):
    first, last = app.upload(picture()), app.upload(picture(hue=200))
    params = {"prompt": "dusk falls", "image": first["id"], "image_tail": last["id"]}
    warned = app.http.post(
        "/api/jobs", json={"capability": "image_to_video", "params": params}
    ).json()
    left_out = [one["field"] for one in warned["warnings"] if one["severity"] == "warning"]
    assert left_out == ["image_tail"]
    assert warned["jobs"][0]["price"] == 210, "the price is that of what is sent"
    (job,) = app.submit("image_to_video", {**params, "mode": "pro"})
    assert job["price"] == 350
    done = app.wait_state(job["id"], "done", "failed")
    assert done["state"] == "done"
    assert done["params"]["image"] == first["id"]


def test_raw_base64_is_taken_and_shown_as_an_asset(app):
    raw = base64.b64encode(picture()).decode()
    (job,) = app.submit("image_generation", {"prompt": "a vase", "image": raw, "n": 2})
    assert job["price"] == 56
    assert job["params"]["image"].startswith("as_")
    done = app.wait_state(job["id"], "done", "failed")
    assert [asset["kind"] for asset in done["assets"]] == ["image", "image"]
    for asset in done["assets"]:
        assert app.http.get(asset["url"]).content.startswith(b"\x89PNG")


def test_a_failure_at_kling_gives_exactly_the_price_back(app):
    before = app.credits()
    (job,) = app.submit("text_to_video", {"prompt": "a boat [fail]"})
    failed = app.wait_state(job["id"], "done", "failed")
    assert failed["state"] == "failed"
    assert failed["error"]["message"]
    assert failed["error"]["next"]
    assert app.credits() == before


def test_a_refused_prompt_fails_at_once_and_costs_nothing(app):
    before = app.credits()
    (job,) = app.submit("text_to_video", {"prompt": "a boat [refuse]"})
    failed = app.wait_state(job["id"], "done", "failed")
    assert (failed["state"], failed["error"]["code"]) == ("failed", "kling_1301")
    assert app.credits() == before


def test_the_same_click_is_one_purchase(app):
    body = {"capability": "text_to_video", "params": T2V, "variant_count": 2, "click_id": "once"}
    first = app.http.post("/api/jobs", json=body)
    again = app.http.post("/api/jobs", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert [job["id"] for job in first.json()["jobs"]] == [
        job["id"] for job in again.json()["jobs"]
    ]
    takes = [job["take"] for job in first.json()["jobs"]]
    assert takes[0].endswith("A")
    assert takes[1].endswith("B")
    assert takes[0][:-1] == takes[1][:-1]


def test_a_result_answers_ranges_and_has_a_descriptive_name(app):
    (job,) = app.submit("text_to_video", T2V)
    asset = app.wait_state(job["id"], "done")["assets"][0]
    part = app.http.get(asset["url"], headers={"Range": "bytes=0-99"})
    assert part.status_code == 206
    assert len(part.content) == 100
    named = app.http.get(asset["url"] + "?download=1").headers["content-disposition"]
    assert "paper-boat" in named
    assert "v2-6-5s" in named
    assert ".mp4" in named


def test_deltas_carry_only_what_changed(app):
    app.wait_still()
    start = app.http.get("/api/jobs?since=0").json()
    (job,) = app.submit("image_generation", {"prompt": "a vase"})
    delta = app.http.get(f"/api/jobs?since={start['rev']}").json()
    assert [one["id"] for one in delta["jobs"]] == [job["id"]]
    assert "reset" not in delta
    app.wait_state(job["id"], "done")
    for foreign in (1, start["rev"] + 10**9):
        assert app.http.get(f"/api/jobs?since={foreign}").json()["reset"] is True
    older = app.http.get(f"/api/jobs?before={job['id']}").json()["jobs"]
    assert job["id"] not in [one["id"] for one in older]


BAD = [
    ({"capability": "no_such", "params": {}}, 404, None),
    ({"capability": "text_to_video", "params": {"prompt": "  "}}, 422, "prompt"),
    ({"capability": "text_to_video", "params": {}}, 422, "prompt"),
    ({"capability": "text_to_video", "params": None}, 422, "prompt"),
    ({"capability": "text_to_video", "params": {"prompt": None}}, 422, "prompt"),
    ({"capability": "text_to_video", "params": {"prompt": "\u200b\u2060\ufeff"}}, 422, "prompt"),
    ({"capability": "text_to_video", "params": {"prompt": "x" * 2501}}, 422, "prompt"),
    ({"capability": "text_to_video", "params": {"prompt": 7}}, 422, "prompt"),
    ({"capability": "text_to_video", "params": {**T2V, "duration": "7"}}, 422, "duration"),
    ({"capability": "text_to_video", "params": {**T2V, "mode": "best"}}, 422, "mode"),
    ({"capability": "text_to_video", "params": {**T2V, "mode": "4k"}}, 422, "mode"),
    ({"capability": "text_to_video", "params": {**T2V, "cfg_scale": 1.5}}, 422, "cfg_scale"),
    ({"capability": "text_to_video", "params": {**T2V, "colour": "red"}}, 422, "colour"),
    (
        {"capability": "text_to_video", "params": {**T2V, "model_name": "kling-v9"}},
        422,
        "model_name",
    ),
    (
        {"capability": "text_to_video", "params": {**T2V, "model_name": "kling-v1"}},
        422,
        "model_name",
    ),
    ({"capability": "text_to_video", "params": T2V, "variant_count": 0}, 422, "variant_count"),
    ({"capability": "text_to_video", "params": T2V, "variant_count": 10**6}, 422, "variant_count"),
    ({"capability": "text_to_video", "params": T2V, "variant_count": True}, 422, "variant_count"),
    ({"capability": "text_to_video", "params": T2V, "price": 0}, 422, "price"),
    ({"capability": "image_to_video", "params": T2V}, 422, "image"),
    ({"capability": "image_to_video", "params": {**T2V, "image": "as_" + "0" * 32}}, 422, "image"),
    (
        {"capability": "image_to_video", "params": {**T2V, "image": "http://a.b/c.png"}},
        422,
        "image",
    ),
    (
        {"capability": "image_to_video", "params": {**T2V, "image": "file:///etc/passwd"}},
        422,
        "image",
    ),
    ({"capability": "image_to_video", "params": {**T2V, "image": "!"}}, 422, "image"),
    ({"capability": "image_generation", "params": {"prompt": "a", "n": 10}}, 422, "n"),
    ({"capability": "text_to_video", "params": []}, 422, "params"),
    ({"params": T2V}, 422, "capability"),
]


def test_null_is_what_was_left_out(app):
    left_out = {"capability": "text_to_video", "params": T2V}
    null = dict.fromkeys(
        ("duration", "aspect_ratio", "negative_prompt", "cfg_scale", "camera_control")
    )
    body = {
        **left_out,
        "params": null | T2V,
        "variant_count": None,
        "template": None,
        "click_id": None,
    }
    quoted = [app.http.post("/api/quote", json=one).json() for one in (left_out, body)]
    assert quoted[0] == quoted[1]
    assert "price" in quoted[0]


@pytest.mark.parametrize(("body", "status", "field"), BAD)
def test_bad_input_names_its_field_and_costs_nothing(app, body, status, field):
    app.wait_still()
    before, known = app.credits(), len(app.kling.tasks())
    for address in ("/api/quote", "/api/jobs"):
        answer = app.http.post(address, json=body)
        error = answer.json()["error"]
        assert answer.status_code == status, answer.text
        assert set(error) >= {"code", "message", "fields"}
        if field:
            assert list(error["fields"]) == [field]
            assert error["fields"][field]
    assert app.credits() == before
    assert len(app.kling.tasks()) == known


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (picture(280, 640), "280 x 640"),
        (picture(1300, 320), "2.5"),
        (b"not a picture at all", ""),
        (bomb(), ""),
        (b"", ""),
    ],
    ids=["small", "wide", "text", "bomb", "empty"],
)
def test_a_bad_picture_is_refused_with_its_measure(app, data, said):
    before = app.credits()
    answer = app.http.post("/api/uploads", files={"file": ("innocent.png", data, "image/png")})
    if answer.status_code == 201:
        asset = answer.json()["asset"]["id"]
        answer = app.http.post(
            "/api/jobs", json={"capability": "image_to_video", "params": {**T2V, "image": asset}}
        )
        assert list(answer.json()["error"]["fields"]) == ["image"]
    assert 400 <= answer.status_code < 500
    assert said in answer.json()["error"]["message"]
    assert app.credits() == before


def test_too_little_credit_is_said_with_figures(app):
    answer = app.http.post(
        "/api/jobs", json={"capability": "text_to_video", "params": T2V, "variant_count": 100}
    )
    assert answer.status_code == 402
    error = answer.json()["error"]
    assert error["code"] == "credits_short"
    assert "21000" in error["message"]


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/jobs/nope", 404),
        ("POST", "/api/jobs/nope/cancel", 404),
        ("GET", "/media/as_nope", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/jobs?since=minus", 422),
        ("GET", "/api/jobs?since=-1", 422),
        ("DELETE", "/api/jobs", 405),
    ],
)
def test_unknown_things_are_refused_in_the_same_shape(app, method, address, status):
    answer = app.http.request(method, address)
    assert answer.status_code == status
    assert set(answer.json()["error"]) >= {"code", "message", "fields"}


def test_what_is_not_json_is_said_so(app):
    for content, kind, status in (
        (b"{", "application/json", 400),
        (b'{"capability": NaN}', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415),
    ):
        answer = app.http.post("/api/jobs", content=content, headers={"content-type": kind})
        assert answer.status_code == status
        assert answer.json()["error"]["code"]


def test_foreign_hosts_and_origins_are_refused(app):
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ):
        for address in ("/", "/api/credits", "/healthz"):
            assert app.http.get(address, headers=headers).status_code == 403, (headers, address)
    assert app.http.get("/api/credits", headers={"Origin": app.url}).status_code == 200


def test_nothing_private_is_served(app):
    for path in ("studio.db", "queue.db", "../../app.py"):
        for address in (
            f"/media/{path}",
            f"/static/../{path}",
            f"/gradio_api/file={app.folder}/{path}",
        ):
            assert app.http.get(address).status_code in (400, 403, 404), address


def test_doctor_and_the_command_line_agree_with_the_page(app):
    report = json.loads(app.run("doctor", "--json").stdout)
    assert report["audit"] == "ok"
    assert report["problems"] == []
    listed = json.loads(app.run("jobs", "--json").stdout)["jobs"]
    assert sum(report["jobs"].values()) == len(listed)
    assert [job["created_at"] for job in listed] == sorted(job["created_at"] for job in listed)
    told = json.loads(app.run("credits", "--json").stdout)
    assert {name: told[name] for name in ("user", "available", "held", "spent")} == app.credits()
    assert all(entry["amount"] > 0 for entry in told["entries"])


def test_keys_never_show(app):
    secret = "test-secret-key-that-is-long-enough-for-hs256"
    found = [app.output()]
    found += [path.read_bytes().decode("latin-1") for path in app.folder.glob("*.db*")]
    found.append(app.http.get("/api/jobs?since=0").text)
    assert not any(secret in text or "eyJ" in text for text in found)


def test_capabilities_are_listed_with_schema_and_models(app):
    rows = app.http.get("/api/capabilities").json()["capabilities"]
    assert {"text_to_video", "image_to_video", "image_generation"} <= {row["id"] for row in rows}
    for row in rows:
        assert set(row) == {"id", "title", "group", "makes", "credit_key", "models", "schema"}
        assert row["schema"]["type"] == "object"


def test_health_needs_no_key(app):
    assert httpx.get(f"{app.url}/healthz", trust_env=False).status_code == 200
