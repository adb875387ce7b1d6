"""What a page showed and was told, moment by moment, held against the rows of the studio's own file."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

# Every change of a card, and every row that an answer of the studio carried, each with its time.
RECORDER = """(() => {
  window.shown = []; window.told = []; window.offline = [];
  const last = new Map(), ask = window.fetch;
  window.fetch = async (...given) => {
    const answer = await ask(...given);
    if (String(given[0]).includes('/api/jobs')) {
      const body = await answer.clone().json().catch(() => ({}));
      for (const job of body.jobs ?? [body]) if (job.id) window.told.push(
        { id: job.id, state: job.state, status: job.status?.code, percent: job.progress });
    }
    return answer;
  };
  setInterval(() => {
    for (const row of document.querySelectorAll('.ks-board .ks-job')) {
      const bar = row.querySelector('.ks-bar');
      const now = { id: row.dataset.id, state: row.dataset.state, status: row.dataset.status,
        percent: bar.hidden ? null : bar.getAttribute('aria-valuenow') };
      const key = JSON.stringify(now);
      if (last.get(now.id) === key) continue;
      last.set(now.id, key);
      window.shown.push({ ...now, told: window.told.length, at: Date.now() });
    }
    const counts = document.querySelector('.ks-header .ks-counts');
    const away = Boolean(counts?.querySelector('[data-count=offline]'));
    if (away !== (window.offline.length % 2 === 1)) window.offline.push(Date.now());
  }, 20);
})()"""
CLOCK = 50  # ms between the clocks of two processes on one machine


def watch(page: Page) -> Page:
    """Records from the next load of the page on."""
    page.add_init_script(RECORDER)
    return page


def row(page: Page, take: str) -> Any:
    return page.locator(f'.ks-board .ks-job[data-take="{take}"]')


def board(page: Page) -> list[list[str]]:
    """Every card as a reader sees it, from top to bottom."""
    return page.evaluate(
        """[...document.querySelectorAll('.ks-board .ks-job')].map(row =>
           [row.dataset.take, row.dataset.state, row.querySelector('.ks-open').textContent])"""
    )


def history(folder: Path) -> dict[str, list[tuple[str, int]]]:
    """Every state a job was ever in, with the time it began, as the studio's file has it."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    with closing(sqlite3.connect(f"file:{folder / 'studio.db'}?mode=ro", uri=True)) as db:
        for job_id, at, state in db.execute(
            "SELECT job_id, at, state FROM job_event ORDER BY rowid"
        ):
            found[job_id].append((state, at))
    return found


def assert_truthful(
    page: Page, folder: Path, blind: list[tuple[float, float]], late: float
) -> None:
    """Each card showed, in order, only what its row was, and never for longer than `late` seconds after.

    `blind` are times (from, to) in which the page could not know.
    """
    shown, told = page.evaluate("[window.shown, window.told]")
    cards: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sight in shown:
        cards[sight["id"]].append(sight)
    for job_id, events in history(folder).items():
        sights = cards[job_id]
        assert sights, f"{job_id} was never on the board"
        _was_told(sights, [row for row in told if row["id"] == job_id], told)
        _followed(sights, events, blind, late)
        _never_backwards(sights, events)


def _was_told(sights: list[dict[str, Any]], rows: list[Any], told: list[Any]) -> None:
    """A card is a row that an answer showed before; only its clock may add that it takes long."""
    for sight in sights:
        before = {(row["state"], row["status"]) for row in told[: sight["told"]] if row in rows}
        status = "generating" if sight["status"] == "late" else sight["status"]
        assert (sight["state"], status) in before, f"{sight} was never told, only {before}"


def _followed(
    sights: list[dict[str, Any]], events: list[tuple[str, int]], blind: list[Any], late: float
) -> None:
    at = 0
    for sight, following in zip(sights, [*sights[1:], None], strict=True):
        while at < len(events) and events[at][0] != sight["state"]:
            at += 1
        assert at < len(events), f"{sight} is not in {events} in this order"
        assert events[at][1] <= sight["at"] + CLOCK, f"{sight} before its row: {events}"
        # The same state may come again later: the page may have seen either of them.
        ends = [one[1] for one in events[at + 1 :]]
        if not following or not ends or following["state"] == sight["state"]:
            continue
        over = following["at"] - ends[0]
        unseen = sum(max(0, min(to, following["at"]) - max(start, ends[0])) for start, to in blind)
        assert over - unseen < late * 1000 or sight["state"] in [e[0] for e in events[at + 1 :]], (
            f"{sight} stood {over} ms after its row had moved: {events}"
        )


def _never_backwards(sights: list[dict[str, Any]], events: list[tuple[str, int]]) -> None:
    for one, two in pairwise([sight for sight in sights if sight["percent"] is not None]):
        back = [e for e in events if e[0] == "queued" and one["at"] - 20_000 < e[1] <= two["at"]]
        assert int(two["percent"]) >= int(one["percent"]) or back, f"{one} then {two}"
