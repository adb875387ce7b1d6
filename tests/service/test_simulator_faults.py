"""Faults on a real connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import wait_for
from tests.service.simulator_server import (
    BOAT,
    T2V,
    Running,
    count,
    running,
    set_faults,
    token,
    wait_for_end,
)

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("simulator"), "--contract", "brief") as pair:
        yield pair


@pytest.fixture
def shared(server: Running) -> Iterator[Running]:
    """A simulator that several tests use one after the other, without faults at first."""
    yield server
    set_faults(server[1])


def test_a_response_is_lost_before_or_after_the_task_is_created(shared: Running) -> None:
    simulator, client = shared
    before = count(simulator)
    for kind, tasks in (("lost_before", 0), ("lost_after", 1)):
        set_faults(client, {"kind": kind, "on": "create", "times": 1})
        with pytest.raises(httpx.TransportError):
            client.post(T2V, json=BOAT | {"external_task_id": "lost"})
        assert count(simulator) == before + tasks
    assert client.get(f"{T2V}/lost").json()["code"] == 0
    met = client.get("/_simulator/faults").json()["faults"][0]
    assert (met["met"], met["seen"]) == (1, 1)


def test_a_late_create_makes_its_task_after_the_client_has_gone(shared: Running) -> None:
    simulator, client = shared
    before = count(simulator)
    set_faults(client, {"kind": "late", "on": "create", "seconds": 1.0, "times": 1})
    with pytest.raises(httpx.TimeoutException):
        client.post(T2V, json=BOAT, timeout=0.3)
    assert count(simulator) == before
    wait_for(lambda: count(simulator) == before + 1, "the late task", 5)


def test_a_late_create_is_rejected_when_its_token_has_expired(shared: Running) -> None:
    simulator, client = shared
    before = count(simulator)
    set_faults(client, {"kind": "late", "on": "create", "seconds": 3.0, "times": 1})
    headers = {"authorization": f"Bearer {token(2)}"}
    late = client.post(T2V, json=BOAT, headers=headers)
    assert (late.status_code, late.json()["code"]) == (401, 1004)
    assert count(simulator) == before


@pytest.mark.parametrize(
    ("code", "status"), [(1302, 429), (1303, 429), (5000, 500), (5001, 503), (5002, 504)]
)
def test_an_error_is_sent_with_or_without_doing_the_work(
    shared: Running, code: int, status: int
) -> None:
    simulator, client = shared
    before = count(simulator)
    for after, tasks in ((False, 0), (True, 1)):
        set_faults(client, {"kind": "refuse", "code": code, "after": after, "on": "create"})
        response = client.post(T2V, json=BOAT)
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert count(simulator) == before + tasks


def test_a_proxy_responds_with_a_page(shared: Running) -> None:
    _, client = shared
    set_faults(client, {"kind": "status", "status": 502, "on": "list"})
    response = client.get(T2V)
    assert (response.status_code, response.headers["content-type"]) == (502, "text/html")


def test_a_response_comes_late(shared: Running) -> None:
    simulator, client = shared
    before = count(simulator)
    set_faults(client, {"kind": "latency", "on": "create", "seconds": 1.0})
    with pytest.raises(httpx.TimeoutException):
        client.post(T2V, json=BOAT, timeout=0.5)
    assert count(simulator) == before + 1


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_a_download_stops_half_way(shared: Running, kind: str) -> None:
    _, client = shared
    data = wait_for_end(client, client.post(T2V, json=BOAT).json()["data"]["task_id"])
    url = data["task_result"]["videos"][0]["url"]
    set_faults(client, {"kind": kind, "on": "download", "times": 1, "seconds": 0.2})
    with pytest.raises(httpx.TransportError):
        client.get(url)
    assert client.get(url).status_code == 200


def test_an_expired_link_stays_dead_and_a_query_gives_another(shared: Running) -> None:
    _, client = shared
    id_ = client.post(T2V, json=BOAT).json()["data"]["task_id"]
    old = wait_for_end(client, id_)["task_result"]["videos"][0]["url"]
    set_faults(client, {"kind": "expired", "on": "download", "times": 1})
    assert [client.get(old).status_code for _ in range(2)] == [403, 403]
    new = client.get(f"{T2V}/{id_}").json()["data"]["task_result"]["videos"][0]["url"]
    assert client.get(new).status_code == 200


def test_hostile_responses(shared: Running) -> None:
    _, client = shared
    ids = [client.post(T2V, json=BOAT).json()["data"]["task_id"] for _ in range(2)]
    path = f"{T2V}/{ids[0]}"
    set_faults(client, {"kind": "hostile", "body": "other_task", "on": "look"})
    assert client.get(path).json()["data"]["task_id"] == ids[1]
    set_faults(client, {"kind": "hostile", "body": "huge", "on": "look"})
    assert len(client.get(path).content) > 60_000_000
    for body in ("malformed", "html", "empty"):
        set_faults(client, {"kind": "hostile", "body": body, "on": "look"})
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            client.get(path).json()
    set_faults(client, {"kind": "hostile", "body": "wrong_types", "on": "look"})
    assert client.get(path).json()["code"] == "0"


def test_a_repeated_external_id(shared: Running) -> None:
    simulator, client = shared
    before = count(simulator)
    body = BOAT | {"external_task_id": "twice"}
    first = client.post(T2V, json=body).json()["data"]["task_id"]
    assert client.post(T2V, json=body).json()["code"] == 1201
    set_faults(client, duplicates="first")
    assert client.post(T2V, json=body).json()["data"]["task_id"] == first
    assert count(simulator) == before + 1
    set_faults(client, duplicates="tolerate")
    assert client.post(T2V, json=body).json()["data"]["task_id"] != first
    assert count(simulator) == before + 2


def test_faults_come_from_a_file_and_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('[[faults]]\nkind = "refuse"\ncode = 1303\nskip = 1\ntimes = 1\n')
    with running(tmp_path, "--faults", str(file)) as (_, client):
        codes = [client.post(T2V, json=BOAT).json()["code"] for _ in range(3)]
        assert codes == [0, 1303, 0]
        for wrong in (
            {"faults": [{"kind": "earthquake"}]},
            {"faults": [{"kind": "late", "when": 1}]},
            {"duplicates": "often"},
        ):
            assert client.post("/_simulator/faults", json=wrong).status_code == 400
