"""The linter: each rule speaks when it should and is silent otherwise, its fix settles it, and none is ever slow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from kling_pipeline.__main__ import app
from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.errors import InputError
from kling_pipeline.lint.lint import RULES, Subject, lint
from tests.pictures import picture
from tests.unit.conftest import Harness
from tests.unit.plans import plan

CATALOG = load_catalog("vendor")
FINE = "a paper boat drifts down a narrow river at dawn, low sun behind reeds"
SEND = "Keep the street of <<<image_1>>> as it is. Put the man of <<<image_2>>> on the bench, realistic."
SPEECH = "A boat goes down the river to the sea."


def fact(width: int = 1280, height: int = 720, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{"width": width, "height": height, "duration": None, "fps": None, **more}
    )


@dataclass(frozen=True)
class Case:
    """An order at which a rule speaks (`id`), or the same with `quiet` changed, at which it does not."""

    id: str
    capability: str
    params: dict[str, Any]
    quiet: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)  # variants, earlier, step_results

    def findings(self, **change: Any) -> list[Finding]:
        return look(self.capability, {**self.params, **change}, self.facts, **self.more)


def look(
    capability: str, params: dict[str, Any], facts: dict[str, Any], **more: Any
) -> list[Finding]:
    found = plan(CATALOG, capability, params, facts, more.get("step_results"))
    listing, price = found.parsed.listing, found.parsed.price
    return lint(
        Subject(
            listing.capability, found.params, found.sent, found.parsed.model, listing.models[0], facts=facts,
            paid_by=(price.of, price.most), pictures=found.cost.pictures, **more,
        )
    )  # fmt: skip


def text(prompt: str = FINE, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, **more}


def from_still(**more: Any) -> dict[str, Any]:
    return {"prompt": FINE, "image": "as_1", **more}


def omni(prompt: str = SEND, count: int = 2, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "image_list": [f"as_{n}" for n in range(count)], **more}


def speech(**more: Any) -> dict[str, Any]:
    return {"video": "as_1", "text": SPEECH, "voice_id": "oversea_male1", **more}


def motion(**more: Any) -> dict[str, Any]:
    return {"image_url": "as_1", "video_url": "as_2", **more}


EDIT = {
    "video": "as_1",
    "edit_mode": "removal",
    "prompt": "remove her from <<<video_1>>>",
    "points": [{"x": 0.5, "y": 0.5}],
}
FACES = {"image": "as_1", "face_image": "as_2"}
SPEAKING = {"text": None, "voice_id": None, "voice_language": "en", "voice_speed": 1.0}
TEN = {"video": fact(duration=10.0)}

CASES = [
    Case("mark_missing", "omni_image", omni(f"{SEND} And <<<image_3>>>"), {"prompt": SEND}),
    Case("mark_missing", "omni_image", omni(f"{SEND} <<image 7>>"), {"prompt": SEND}),
    Case("mark_missing", "omni_image", omni(f"{SEND} <<<image_0>>>"), {"prompt": SEND}),
    Case("mark_missing", "text_to_video", text(f"{FINE} <<<image_1>>>"), {"prompt": FINE}),
    Case("mark_missing", "face_swap", {**FACES, "prompt": f"{SEND} <<<image_3>>>"}, {"prompt": SEND}),
    Case("mark_unknown", "text_to_video", text(f"{FINE} <<<voice_1>>>"), {"prompt": FINE}),
    Case("mark_unknown", "omni_image", omni(f"{SEND} <<<element_1>>>"), {"prompt": SEND}),
    Case("mark_misspelt", "omni_image", omni(SEND.replace("<<<image_1>>>", "<<image_1>>")), {"prompt": SEND}),
    Case("mark_misspelt", "omni_image", omni(SEND.replace("image_1", "object_1")), {"prompt": SEND}),
    Case("mark_misspelt", "omni_image", omni(SEND.replace("<<<image_1>>>", "<image 1>")), {"prompt": SEND}),
    Case("mark_misspelt", "omni_image", omni(SEND.replace("image_1", "Image_01")), {"prompt": SEND}),
    Case("picture_unmentioned", "omni_image", omni(count=3), {"image_list": ["as_0", "as_1"]}),
    Case("picture_unmentioned", "omni_image", omni(FINE), {"image_list": ["as_0"]}),
    Case("picture_unmentioned", "face_swap", {**FACES, "prompt": FINE}, {"prompt": SEND}),
    Case("picture_unmentioned", "multi_image_to_video", omni("<<<image_2>>> walks along the pier at dusk"),
         {"prompt": "<<<image_2>>> walks to <<<image_1>>>"}),
    Case("voice_language", "lip_sync", speech(voice_language="zh"), {"voice_language": "en"}),
    Case("voice_language", "lip_sync", speech(voice_id="uk_oldman3", text="今天天气很好，我们一起去河边放纸船吧"),
         {"voice_language": "zh"}),
    Case("voice_unknown", "lip_sync", speech(voice_id="nobody"), {"voice_id": "AOT"}),
    Case("text_language", "lip_sync", speech(text="今天天气很好，我们一起去河边放纸船吧"), {"text": SPEECH}),
    Case("text_language", "lip_sync", speech(voice_language="zh", voice_id="ai_kaiya"), {"voice_language": "en"}),
    Case("text_short", "lip_sync", speech(text="Well, hello there."), {"text": SPEECH}),
    Case("text_short", "lip_sync", speech(text="Good day to you, my dear friend.", voice_speed=2.0),
         {"voice_speed": 1.0}),
    Case("text_short", "lip_sync", speech(text="再见", voice_language="zh", voice_id="ai_kaiya"),
         {"text": "今天天气很好，我们去放纸船"}),
    Case("frame_rate", "multi_elements", EDIT, facts={"video": fact(duration=5.0, fps=25.0)}),
    Case("length_unknown", "motion_control", motion(video_url="https://a.example/b.mp4"), facts={"video_url": None}),
    Case("length_unknown", "lip_sync", speech(video="https://a.example/b.mp4"), facts={"video": None}),
    Case("duplicate", "text_to_video", text(), more={"earlier": (2, 70)}),
    Case("pictures_multiply", "image_generation", text(n=9), {"n": 1}, more={"variants": 3}),
    Case("pictures_multiply", "omni_image", omni(model_name="kling-v3-omni", result_type="series", series_amount="4"),
         {"result_type": "single", "series_amount": None}, more={"variants": 3}),
    Case("model_at_risk", "text_to_video", text(model_name="kling-v2-1-master"), {"model_name": "kling-v3"}),
    Case("ratio_differs", "image_generation", from_still(), {"aspect_ratio": "1:1"}, {"image": fact(1000, 1000)}),
    Case("ratio_differs", "face_swap", {**FACES, "aspect_ratio": "9:16"},
         {"aspect_ratio": "auto"}, {"image": fact(1600, 900)}),
    Case("frames_differ", "image_to_video", from_still(image_tail="as_2", mode="pro"), {"image_tail": None},
         {"image": fact(), "image_tail": fact(1000, 1000)}),
    Case("image_small", "image_to_video", from_still(mode="pro"), {"mode": "std"}, {"image": fact(700, 400)}),
    Case("image_small", "face_swap", {**FACES, "resolution": "2k"},
         {"resolution": "1k"}, {"image": fact(800, 450)}),
    Case("sound_is_off", "text_to_video", text(f"{FINE}, a song is heard", mode="pro"), {"sound": "on"}),
    Case("sound_is_off", "text_to_video", text(f"{FINE}, soft music"), {"prompt": f"{FINE}, no music"}),
    Case("sound_is_off", "text_to_video", text("一只纸船顺流而下，轻柔的音乐"), {"model_name": "kling-v2-5-turbo"}),
    Case("sound_is_off", "image_to_video", from_still(prompt=f"{FINE}, she sings", mode="pro"), {"image_tail": "as_2"}),
    Case("camera_contradicts", "text_to_video", text(f"{FINE}, static camera, slow push-in"),
         {"prompt": f"{FINE}, static camera, no push-in"}),
    Case("camera_contradicts", "text_to_video", text(f"{FINE}, zooming in and zooming out"),
         {"prompt": f"{FINE}, zoom in, then zoom out"}),
    Case("not_english", "text_to_video", text("一只纸船顺着狭窄的河流漂流，清晨的阳光"), {"prompt": FINE}),
    Case("not_english", "omni_image", omni("把<<<image_1>>>的人放到<<<image_2>>>"), {"prompt": SEND}),
    Case("not_english", "text_to_video", text("Бумажный кораблик плывёт по реке"),
         {"prompt": 'a shop sign that says "咖啡"'}),
    Case("not_english", "text_to_video", text("ein Boot aus Papier und das Licht auf dem Fluss"),
         {"prompt": "der Panzer, an old tank"}),
    Case("generic_prompt", "text_to_video", text("a beautiful nice video"), {"prompt": FINE}),
    Case("generic_prompt", "text_to_video", text("好看的视频"), {"prompt": "一只纸船顺着狭窄的河流漂流"}),
    Case("no_anchors", "omni_image", omni("Put <<<image_1>>> on the table of <<<image_2>>>"),
         {"prompt": "Put <<<image_1>>> on the table of <<<image_2>>>, no artifacts"}),
    Case("no_anchors", "image_generation", from_still(), {"prompt": f"{FINE}, anime"}),
    Case("no_negative", "text_to_video", text(), {"negative_prompt": "blurry"}),
    Case("no_negative", "multi_elements", EDIT, {"negative_prompt": "blurry"}, {"video": fact(duration=5.0)}),
    Case("not_checked", "image_to_video", from_still(image="https://a.example/b.png"), {"image": "as_1"}),
    Case("not_checked", "omni_image", omni(image_list=["as_1", "https://a.example/b.png"]),
         {"image_list": ["as_1", "as_2"]}),
]  # fmt: skip
named = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.capability}")


def ids(findings: list[Finding]) -> list[str]:
    return [finding.id for finding in findings]


@named
def test_a_rule_speaks_when_it_should(case: Case) -> None:
    assert case.id in ids(case.findings())


@named
def test_and_is_silent_otherwise(case: Case) -> None:
    if case.quiet:
        assert case.id not in ids(case.findings(**case.quiet))


@named
def test_a_fix_settles_its_finding_and_breaks_nothing(case: Case) -> None:
    found = [one for one in case.findings() if one.id == case.id]
    before = {one.id for one in case.findings() if one.severity == "error"}
    for finding in (one for one in found if one.fix):
        after = case.findings(**finding.fix)
        assert case.id not in ids(after)
        assert {one.id for one in after if one.severity == "error"} <= before


@named
def test_a_finding_is_a_sentence_with_its_figures(case: Case) -> None:
    for finding in case.findings():
        assert finding.message.endswith(".")
        assert finding.field in CATALOG.capability(case.capability).request.model_fields


def test_every_rule_is_tried() -> None:
    spoken = {name for case in CASES for name in ids(case.findings())}
    assert {case.id for case in CASES} == spoken
    assert len(RULES) <= len(spoken)


@pytest.mark.parametrize(
    ("capability", "params", "facts"),
    [
        ("text_to_video", text(negative_prompt="blurry"), {}),
        ("image_to_video", from_still(negative_prompt="blurry"), {"image": fact()}),
        ("omni_image", omni(), {}),
        ("face_swap", FACES, {"image": fact(1024, 768)}),
        ("lip_sync", speech(), TEN),
        ("motion_control", motion(), {"video_url": fact(duration=5.0)}),
        ("multi_elements", {**EDIT, "negative_prompt": "blurry"}, {"video": fact(duration=5.0, fps=29.97)}),
        ("multi_image_to_video", from_still(image_tail="as_2"), {"image": fact(), "image_tail": fact()}),
    ],
)  # fmt: skip
def test_a_good_order_is_left_in_peace(capability: str, params: Any, facts: Any) -> None:
    assert look(capability, params, facts) == []


def test_the_gravest_comes_first() -> None:
    params = omni("<<<image_3>>> and <<image_1>>", negative_prompt=None)
    del params["negative_prompt"]
    gravity = [finding.severity for finding in look("omni_image", params, {})]
    assert gravity == sorted(gravity, key=["error", "warning", "hint"].index)
    assert gravity[0] == "error"


def test_a_text_that_was_heard_is_not_guessed_at() -> None:
    params = speech(text="Go.", session="s")
    assert "text_short" in ids(look("lip_sync", params, TEN))
    assert "text_short" not in ids(look("lip_sync", params, TEN, step_results=spoken(params, 2.5)))


def spoken(params: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What the calls of a session answered: a face seen for ten seconds, and this text."""
    face = {"face_id": "0", "start_time": 0, "end_time": 10_000}
    asked = {name: params.get(name, default) for name, default in SPEAKING.items()}
    return {
        "identify-face": {"session_id": "s", "faces": [face]},
        "tts": {"audio_id": "a", "seconds": seconds, "asked": {"call": "tts", **asked}},
        "lengths": {"video": 10.0},
    }


def test_a_text_that_was_heard_and_is_too_short_is_refused() -> None:
    params = speech(text="Go.", session="s")
    with pytest.raises(InputError) as refused:
        look("lip_sync", params, TEN, step_results=spoken(params, 1.5))
    said = "The text is spoken in 1.5 s; at least 2 s are needed. Make it longer."
    assert refused.value.fields == {"text": said}
    assert ids(list(refused.value.findings)) == ["speech_too_short"]
    look("lip_sync", {**params, "text": f"Go. {SPEECH}"}, TEN, step_results=spoken(params, 1.5))


@pytest.mark.parametrize(
    ("fields", "seconds", "code", "said"),
    [
        ({"text": "Go."}, 1.5, "speech_too_short", "The text is spoken in 1.5 s"),
        ({"text": SPEECH, "sound_insert_time": 8500}, 4.0, "sound_misfit", "Only 1.5 s"),
        ({"sound_file": "as_2", "sound_insert_time": 9000}, 4.0, "sound_misfit", "Only 1.0 s"),
    ],
)
def test_a_task_with_too_little_sound_is_not_laid(
    fields: dict[str, Any], seconds: float, code: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        CATALOG.body("lip_sync", "advanced-lip-sync", fields, spoken(fields, seconds))
    assert refused.value.code == code


def test_a_fix_that_would_not_fit_is_not_offered() -> None:
    (found,) = [
        one
        for one in look("omni_image", omni(("boat " * 500)[:2499]), {})
        if one.id == "no_anchors"
    ]
    assert not found.fix


def effort(capability: str, params: dict[str, Any]) -> float:
    """Processor seconds of the best of five: what else runs does not count."""
    times = []
    for _ in range(5):
        begun = time.thread_time()
        look(capability, params, {})
        times.append(time.thread_time() - begun)
    return min(times)


@pytest.mark.parametrize(
    "piece",
    ["<", "<<<", "<<<image_", "<<<image_1", "<<<image_1>>> ", ">", "<a", "< ", "zoom in ", " ", "a ", "no ",
     "的", "-", "\n", "\u0301", "1", "_", "and ", "<<<a 1> "],
)  # fmt: skip
def test_no_prompt_is_slow(piece: str) -> None:
    """Eight times the letters are eight times the work; where each looks at all others they are sixty-four times."""

    def work(letters: int) -> list[float]:
        prompt = ("x" + piece * letters)[:letters]
        return [
            effort("omni_image", omni(prompt, 10)),
            effort("text_to_video", text(prompt, negative_prompt=prompt)),
        ]

    for short, long in zip(work(312), work(2500), strict=True):
        assert long < 24 * short


class TestBeforeMoney:
    """In the engine: an error costs nothing, everything else stands beside the price."""

    def test_an_error_names_its_field_and_reserves_nothing(self, harness: Harness) -> None:
        with pytest.raises(InputError) as refused:
            harness.submit(prompt=f"{FINE} <<<image_1>>>")
        assert refused.value.fields == {"prompt": "The prompt names image 1; there are 0."}
        assert refused.value.findings[0].fix == {"prompt": FINE}
        assert harness.pipeline.all_jobs(harness.owner) == []
        assert harness.credits()[1] == 0

    def test_a_quote_and_a_click_say_the_same(self, harness: Harness) -> None:
        params = text("a nice boat")
        quoted = harness.pipeline.quote(harness.owner, "text_to_video", params).findings
        made = harness.pipeline.submit(harness.owner, "text_to_video", params)
        assert [one.id for one in quoted] == ["generic_prompt", "no_negative"]
        assert [one.id for one in made.warnings] == ["generic_prompt", "no_negative"]

    def test_what_was_bought_before_is_said_with_its_price(self, harness: Harness) -> None:
        harness.submit(count=2, prompt=FINE)
        quote = harness.pipeline.quote(harness.owner, "text_to_video", text())
        assert quote.findings[0].message == "You already have 2 of these, 420 credits."
        assert "duplicate" not in str(
            harness.pipeline.quote(harness.owner, "text_to_video", text(mode="pro")).findings
        )

    def test_what_was_refunded_is_no_duplicate(self, harness: Harness) -> None:
        (job,) = harness.submit(prompt=FINE)
        harness.pipeline.cancel(harness.owner, job)
        assert "duplicate" not in str(
            harness.pipeline.quote(harness.owner, "text_to_video", text()).findings
        )

    def test_an_uploaded_picture_is_measured(self, harness: Harness) -> None:
        image = harness.pipeline.upload(harness.owner, picture(700, 400))["id"]
        quote = harness.pipeline.quote(
            harness.owner, "image_to_video", from_still(image=image, mode="pro")
        )
        assert [one.fix for one in quote.findings if one.id == "image_small"] == [{"mode": "std"}]


LINES = [
    {"capability": "text_to_video", "params": {"prompt": "a nice boat"}},
    {"capability": "text_to_video", "params": {"prompt": f"{FINE} <<<image_2>>>"}},
    {"capability": "sing", "params": {}},
    {"capability": "image_to_video", "params": {"prompt": FINE, "image": "nowhere.png"}},
    {"capability": "text_to_video", "params": {"prompt": FINE, "negative_prompt": "blurry", "duration": "10"}},
]  # fmt: skip


class TestCommandLine:
    """`lint --file`: what each line would cost and what is wrong with it; nothing is submitted."""

    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
        monkeypatch.setenv("STUDIO_DATA_DIR", str(tmp_path / "var"))
        monkeypatch.setenv("KLING_ACCESS_KEY", "ak")
        monkeypatch.setenv("KLING_SECRET_KEY", "sk")

        def run(lines: list[Any], *more: str) -> Result:
            file = tmp_path / "orders.jsonl"
            file.write_text(
                "\n".join(json.dumps(line) for line in lines) + "\n{broken\n\n", "utf-8"
            )
            return CliRunner().invoke(app, ["lint", "--file", str(file), *more])

        return run

    def test_a_file_is_priced_line_by_line(self, run: Callable[..., Result]) -> None:
        result = run(LINES, "--json", "--variants", "2")
        said = json.loads(result.stdout)
        assert result.exit_code == 1
        assert [one["price"] for one in said["lines"]] == [420, None, None, None, 840, None]
        assert (said["price"], said["wrong"]) == (1260, 4)
        assert [one["id"] for one in said["lines"][0]["findings"]] == [
            "generic_prompt",
            "no_negative",
        ]
        assert said["lines"][1]["errors"] == {"prompt": "The prompt names image 2; there are 0."}
        assert said["lines"][3]["errors"] == {"image": "There is no file nowhere.png."}
        assert "line 6" in said["lines"][5]["errors"][""]

    def test_in_words(self, run: Callable[..., Result]) -> None:
        said = run(LINES).stdout.splitlines()
        assert said[0] == "line 1  text_to_video  210 credits"
        assert said[1].startswith("  hint     prompt: The prompt says little.")
        assert "  error    prompt: The prompt names image 2; there are 0." in said
        assert said[-1] == "6 lines, 4 wrong, 630 credits"
