"""What every client relies on: keys, envelope, clock, ids, pools, prices, links."""

from __future__ import annotations

import re
import sqlite3
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import pytest
from PIL import Image

from kling_pipeline.simulator.tasks.store import TaskStore
from tests.unit.simulator_client import FAST, SimulatorClient, error_of, image_base64, sign

T2V = "/v1/videos/text2video"
I2V = "/v1/videos/image2video"
IMAGES = "/v1/images/generations"
BOAT: dict[str, Any] = {"model_name": "kling-v2-6", "prompt": "a paper boat"}
STILL: dict[str, Any] = {"model_name": "kling-v2-1", "prompt": "a paper boat"}


@pytest.mark.parametrize(
    ("header", "code", "message"),
    [
        ("", 1001, "Authorization is empty"),
        ("Basic abc", 1002, ""),
        ("Bearer nonsense", 1002, "The token was expected to have 3 parts, but got 0"),
        ("Bearer a.b", 1002, "The token was expected to have 3 parts, but got 2"),
        ("Bearer a.b.c", 1002, ""),
        (f"Bearer {sign(iss='somebody')}", 1002, ""),
        (f"Bearer {sign(iss=None)}", 1000, ""),
        (f"Bearer {sign()[:-4]}AAAA", 1002, ""),
        (f"Bearer {sign(nbf=7200)}", 1003, ""),
        (f"Bearer {sign(exp=-1)}", 1004, ""),
    ],
)
@pytest.mark.parametrize("path", [T2V, "/account/costs"])
def test_each_wrong_key_has_its_code(path: str, header: str, code: int, message: str) -> None:
    with SimulatorClient() as kling:
        status, got, text = error_of(kling.get(path, authorization=header))
        assert (status, got) == (401, code)
        assert message in text


@pytest.mark.parametrize("key", [FAST.api_key, sign()])
def test_both_kinds_of_keys_are_accepted(key: str) -> None:
    with SimulatorClient() as kling:
        kling.http.headers["authorization"] = f"Bearer {key}"
        kling.create(T2V, BOAT)


def test_writing_the_end_of_a_task_is_retried(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures, end = [], TaskStore.end

    def refuse_twice(self: TaskStore, *given: Any) -> None:
        if len(failures) < 2:
            failures.append(given)
            with self._transaction():
                raise sqlite3.OperationalError("database or disk is full")
        end(self, *given)

    monkeypatch.setattr(TaskStore, "end", refuse_twice)
    monkeypatch.setattr("kling_pipeline.simulator.render.renderer._RETRY_SECONDS", 0)
    with SimulatorClient() as kling:
        assert kling.create_and_wait(T2V, BOAT)["task_status"] == "succeed"
    assert len(failures) == 2
    assert caplog.text.count("database or disk is full") == 1


def test_every_response_has_the_envelope() -> None:
    with SimulatorClient() as kling:
        good = kling.post(T2V, BOAT).json()
        assert (good["code"], good["message"]) == (0, "SUCCEED")
        assert re.fullmatch(r"\d{18}", good["data"]["task_id"])
        assert good["data"]["task_info"] == {}
        assert abs(good["data"]["created_at"] - time.time() * 1000) < 5000
        for response, expected in [
            (kling.get("/v1/nowhere"), (404, 1203)),
            (kling.http.put(T2V, json={}), (404, 1202)),
            (kling.post(T2V, [1]), (400, 1200)),
            (kling.http.post(T2V, content=b"{", headers=_JSON), (400, 1200)),
            (kling.http.post(T2V, content=b'{"n": NaN}', headers=_JSON), (400, 1200)),
            (kling.http.post(T2V, data={"prompt": "a"}), (400, 1200)),
            (kling.post(T2V, BOAT | {"prompt": "[refuse] this"}), (400, 1301)),
        ]:
            assert error_of(response)[:2] == expected
            uuid.UUID(response.json()["request_id"])


_JSON = {"content-type": "application/json"}


def test_double_and_trailing_slashes_are_ignored() -> None:
    with SimulatorClient() as kling:
        id_ = kling.create("/v1//videos/text2video/", BOAT)["task_id"]
        assert kling.get(f"/v1/videos//text2video/{id_}/").json()["data"]["task_id"] == id_


def test_a_task_goes_through_its_states_and_ends_with_a_file() -> None:
    with SimulatorClient(speed=40) as kling:
        made = kling.create(T2V, BOAT)
        id_, seen = made["task_id"], [made["task_status"]]
        while "succeed" not in seen:
            data = kling.get(f"{T2V}/{id_}").json()["data"]
            if data["task_status"] not in seen:
                seen.append(data["task_status"])
            if data["task_status"] != "succeed":
                assert data["task_result"] == {}
                assert "final_unit_deduction" not in data
            time.sleep(0.01)
        # On a machine that stood still for a second nobody sees it at work.
        assert seen in (["submitted", "processing", "succeed"], ["submitted", "succeed"])
        assert data["updated_at"] - data["created_at"] > 1000, "no sooner than its speed says"
        assert data["task_status_msg"] == ""
        assert data["watermark_info"] == {"enabled": False}
        assert data["final_unit_deduction"] == "1.5"
        (video,) = data["task_result"]["videos"]
        assert video.keys() == {"id", "url", "duration"}
        assert float(video["duration"]) == 5


@pytest.mark.parametrize(
    ("prompt", "message"),
    [("[fail] boat", "failed"), ("[policy] boat", "Failure to pass the risk control system")],
)
def test_a_failed_task_costs_nothing(prompt: str, message: str) -> None:
    with SimulatorClient() as kling:
        data = kling.create_and_wait(T2V, BOAT | {"prompt": prompt})
        assert data["task_status"] == "failed"
        assert message in data["task_status_msg"]
        assert (data["task_result"], data["final_unit_deduction"]) == ({}, "0")


def test_a_slow_task_takes_five_times_as_long() -> None:
    with SimulatorClient(speed=1) as kling:
        kling.create(T2V, BOAT | {"prompt": "[slow]"})
        kling.create(T2V, BOAT)
        slow, usual = kling.get("/_simulator/tasks").json()["tasks"]
        assert slow["status"] == usual["status"] == "submitted"
        waits = [slow["due_at"] - slow["created_at"], usual["due_at"] - usual["created_at"]]
        assert 250_000 < waits[0] < 350_000
        assert 50_000 < waits[1] < 70_000


def test_a_task_is_found_by_both_ids_on_its_own_path_only() -> None:
    with SimulatorClient() as kling:
        made = kling.create(T2V, BOAT | {"external_task_id": "mine-1"})
        assert made["task_info"] == {"external_task_id": "mine-1"}
        for id_ in (made["task_id"], "mine-1"):
            assert kling.get(f"{T2V}/{id_}").json()["data"]["task_id"] == made["task_id"]
            assert error_of(kling.get(f"{I2V}/{id_}")) == (
                400,
                1201,
                f"Task not found by id/external id: {id_}",
            )


@pytest.mark.parametrize("mine", ["a/b", "a%2Fb", "a b/中", "/"])
def test_an_external_id_may_hold_a_slash(mine: str) -> None:
    with SimulatorClient() as kling:
        made = kling.create(T2V, BOAT | {"external_task_id": mine})
        found = kling.get(f"{T2V}/{quote(mine, safe='')}")
        assert found.status_code == 200, found.text
        assert found.json()["data"]["task_id"] == made["task_id"]


def test_an_external_id_is_unique_in_an_account() -> None:
    with SimulatorClient() as kling:
        kling.create(T2V, BOAT | {"external_task_id": "mine-1"})
        again = kling.post(IMAGES, STILL | {"external_task_id": "mine-1"})
        assert error_of(again) == (400, 1201, "External_task_id mine-1 already exists")
        for _ in range(2):
            kling.create(T2V, BOAT | {"external_task_id": ""})


def test_a_list_is_newest_first_in_pages() -> None:
    with SimulatorClient() as kling:
        ids = [kling.create(T2V, BOAT)["task_id"] for _ in range(5)][::-1]
        kling.create(IMAGES, STILL)
        assert [task["task_id"] for task in kling.get(T2V).json()["data"]] == ids
        page = kling.get(f"{T2V}?pageNum=2&pageSize=2").json()["data"]
        assert [task["task_id"] for task in page] == ids[2:4]
        assert kling.get(f"{T2V}?pageNum=9").json()["data"] == []
        for query in ("pageNum=0", "pageNum=1001", "pageSize=0", "pageSize=501", "pageNum=x"):
            assert error_of(kling.get(f"{T2V}?{query}"))[:2] == (400, 1201)


def test_the_slots_of_a_pack_are_enforced() -> None:
    with SimulatorClient(speed=0.001, slots={"video": 2, "image": 4}) as kling:
        for _ in range(2):
            kling.create(T2V, BOAT)
        limit = (429, 1303, "parallel task over resource pack limit")
        assert error_of(kling.post(T2V, BOAT)) == limit
        kling.create(IMAGES, STILL | {"n": 3})
        assert error_of(kling.post(IMAGES, STILL | {"n": 2})) == limit
        kling.create(IMAGES, STILL)


def test_a_slot_is_free_again_when_its_task_has_ended() -> None:
    with SimulatorClient(slots={"video": 1}) as kling:
        for _ in range(3):
            kling.create_and_wait(T2V, BOAT)


def test_units_run_out_per_kind_of_product() -> None:
    with SimulatorClient(units={"video": 3.0}) as kling:
        kling.create_and_wait(T2V, BOAT)
        kling.create_and_wait(T2V, BOAT | {"prompt": "[fail]"})
        kling.create(T2V, BOAT)
        out = (429, 1102, "Account balance not enough")
        assert error_of(kling.post(T2V, BOAT)) == out
        kling.create(IMAGES, STILL)
        query = "start_time=1&end_time=2&resource_pack_name=Simulated-video"
        costs = kling.get(f"/account/costs?{query}").json()["data"]
        (pack,) = costs["resource_pack_subscribe_infos"]
        assert (pack["total_quantity"], pack["remaining_quantity"]) == (3, 0)
        assert pack["status"] == "runOut"


@pytest.mark.parametrize(
    ("path", "body", "units"),
    [
        (T2V, BOAT | {"duration": "10"}, "3"),
        (T2V, BOAT | {"mode": "pro", "sound": "on"}, "5"),
        (T2V, BOAT | {"mode": "pro", "sound": "on", "voice_list": [{"voice_id": "1"}]}, "6"),
        (T2V, BOAT | {"model_name": "kling-v3", "mode": "4k", "duration": "3"}, "9"),
        (I2V, BOAT | {"image": image_base64()}, "1.5"),
        (IMAGES, STILL | {"n": 3}, "12"),
        (IMAGES, STILL | {"image": image_base64()}, "8"),
        ("/v1/images/omni-image", {"prompt": "a"}, "8"),
        (
            "/v1/images/omni-image",
            {"prompt": "a", "model_name": "kling-v3-omni", "resolution": "4k"},
            "16",
        ),
        (
            "/v1/videos/omni-video",
            {"prompt": "a", "model_name": "kling-v3-omni", "aspect_ratio": "1:1", "duration": "3"},
            "2.4",
        ),
    ],
)
def test_the_price_list_is_charged(path: str, body: dict[str, Any], units: str) -> None:
    with SimulatorClient() as kling:
        assert kling.create_and_wait(path, body)["final_unit_deduction"] == units


def test_costs_check_the_key_before_the_rate_limit() -> None:
    path = "/account/costs?start_time=1&end_time=2"
    with SimulatorClient() as kling:
        assert kling.get(path).status_code == 200
        assert error_of(kling.get(path, authorization=""))[:2] == (401, 1001)
        assert error_of(kling.get(path))[:2] == (429, 1302)
        time.sleep(1.05)
        assert error_of(kling.get("/account/costs"))[:2] == (400, 1201)


@pytest.mark.parametrize(
    ("change", "width", "height", "seconds"),
    [
        ({}, 1280, 720, 5),
        ({"mode": "pro", "duration": "10"}, 1920, 1080, 10),
        ({"aspect_ratio": "9:16"}, 720, 1280, 5),
        ({"aspect_ratio": "1:1"}, 960, 960, 5),
    ],
)
def test_a_video_has_the_size_and_duration_asked_for(
    change: dict[str, Any], width: int, height: int, seconds: int, tmp_path: Path
) -> None:
    with SimulatorClient() as kling:
        url = kling.create_and_wait(T2V, BOAT | change)["task_result"]["videos"][0]["url"]
        target = tmp_path / "film.mp4"
        target.write_bytes(kling.http.get(url).content)
        with av.open(str(target), "r") as video:
            stream = video.streams.video[0]
            assert (stream.codec_context.name, video.duration) == ("h264", seconds * 1_000_000)
            assert (stream.codec_context.width, stream.codec_context.height) == (width, height)
            assert len(list(video.decode(video=0))) == seconds * 24


def test_a_video_follows_the_ratio_of_its_first_frame(tmp_path: Path) -> None:
    with SimulatorClient() as kling:
        data = kling.create_and_wait(I2V, BOAT | {"image": image_base64(300, 600)})
        target = tmp_path / "film.mp4"
        target.write_bytes(kling.http.get(data["task_result"]["videos"][0]["url"]).content)
        with av.open(str(target), "r") as video:
            size = video.streams.video[0].codec_context
            assert abs(size.width / size.height - 0.5) < 0.01
            assert abs(size.width * size.height / (1280 * 720) - 1) < 0.02


def test_images_have_the_count_and_size_asked_for(tmp_path: Path) -> None:
    with SimulatorClient() as kling:
        body = STILL | {"n": 2, "aspect_ratio": "1:1", "resolution": "2k"}
        images = kling.create_and_wait(IMAGES, body)["task_result"]["images"]
        assert [image["index"] for image in images] == [0, 1]
        target = tmp_path / "still.png"
        target.write_bytes(kling.http.get(images[1]["url"]).content)
        with Image.open(target) as still:
            assert (still.format, still.size) == ("PNG", (2048, 2048))


def test_a_link_is_on_the_origin_of_the_request_serves_ranges_and_cannot_be_forged() -> None:
    with SimulatorClient() as kling:
        data = kling.create_and_wait(T2V, BOAT | {"watermark_info": {"enabled": True}})
        video = data["task_result"]["videos"][0]
        assert video["watermark_url"]
        assert data["watermark_info"] == {"enabled": True}
        url = video["url"]
        assert url.startswith("http://127.0.0.1:7001/files/")
        whole = kling.http.get(url)
        assert whole.headers["content-type"] == "video/mp4"
        assert int(whole.headers["content-length"]) == len(whole.content)
        part = kling.http.get(url, headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole.content[10:20])
        assert kling.http.head(url).status_code == 200
        expires = int(url.rpartition("Expires=")[2])
        assert abs(expires - time.time() - 30 * 86_400) < 60
        for forged in (
            url.replace(f"Expires={expires}", f"Expires={expires + 1}"),
            url.replace(f"Expires={expires}", "Expires=1"),
            url.partition("?")[0],
            url.replace("/files/", "/files/0"),
        ):
            assert kling.http.get(forged).status_code == 403


def test_a_series_has_its_own_list() -> None:
    with SimulatorClient() as kling:
        path, body = "/v1/images/omni-image", {"prompt": "a", "model_name": "kling-v3-omni"}
        result = kling.create_and_wait(path, body)["task_result"]
        assert (result["result_type"], len(result["images"])) == ("single", 1)
        body |= {"result_type": "series", "series_amount": 3}
        result = kling.create_and_wait(path, body)["task_result"]
        assert (result["result_type"], len(result["series_images"])) == ("series", 3)


def test_a_restarted_simulator_finds_every_task(tmp_path: Path) -> None:
    state = tmp_path / "simulator.db"
    with SimulatorClient(speed=20, state=state) as before:
        unfinished = before.create(T2V, BOAT | {"external_task_id": "mine"})["task_id"]
        done = before.create_and_wait(IMAGES, STILL | {"prompt": "[fail]"})
    with SimulatorClient(speed=20, state=state) as after:
        again = after.get(f"{IMAGES}/{done['task_id']}").json()["data"]
        assert again == done
        finished = after.wait(T2V, unfinished)
        assert finished["task_status"] == "succeed"
        assert after.http.get(finished["task_result"]["videos"][0]["url"]).status_code == 200
        assert error_of(after.post(T2V, BOAT | {"external_task_id": "mine"}))[1] == 1201


def test_the_control_route_lists_what_was_billed() -> None:
    with SimulatorClient() as kling:
        kling.create_and_wait(T2V, BOAT | {"external_task_id": "mine"})
        kling.create_and_wait(T2V, BOAT | {"prompt": "[fail]"})
        kling.http.headers.pop("authorization")
        assert kling.get("/_simulator/healthz").status_code == 200
        good, bad = kling.get("/_simulator/tasks").json()["tasks"]
        assert good["external_task_id"] == "mine"
        assert (good["path"], good["model"], good["units"]) == (T2V, "kling-v2-6", "1.5")
        assert (good["status"], good["billed"]) == ("succeed", True)
        assert (bad["status"], bad["billed"]) == ("failed", False)


def test_a_rerun_has_the_same_seeds_and_variants_have_others() -> None:
    seeds = []
    for number in range(2):
        with SimulatorClient() as kling:
            for turn in range(2):
                named = {"external_task_id": f"{number}-{turn}", "callback_url": ""}
                kling.create(IMAGES, STILL | named)
            kling.create(IMAGES, STILL | {"n": 2})
            seeds.append([task["seed"] for task in kling.get("/_simulator/tasks").json()["tasks"]])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3
    with SimulatorClient(seed=1) as kling:
        kling.create(IMAGES, STILL)
        assert kling.get("/_simulator/tasks").json()["tasks"][0]["seed"] != seeds[0][0]
