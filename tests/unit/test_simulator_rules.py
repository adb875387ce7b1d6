"""Every 1201 of the rules, each from a body that breaks just one of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.simulator_client import (
    FRAME,
    I2V,
    IMAGE,
    IMAGES,
    OMNI,
    T2V,
    SimulatorClient,
    error_of,
    image_base64,
    video_file,
    wav_base64,
)

OMNI_IMAGE = "/v1/images/omni-image"
TAIL = {"image_url": IMAGE, "type": "end_frame"}
REMOTE = "https://example.com/film.mp4"
SHOTS = [
    {"index": 1, "prompt": "a", "duration": "2"},
    {"index": 2, "prompt": "b", "duration": "3"},
]

GOOD: dict[str, dict[str, Any]] = {
    T2V: {"model_name": "kling-v2-6", "prompt": "a paper boat"},
    I2V: {"model_name": "kling-v2-6", "prompt": "a paper boat", "image": IMAGE},
    OMNI: {"model_name": "kling-v3-omni", "prompt": "a boat", "aspect_ratio": "16:9"},
    IMAGES: {"model_name": "kling-v2-1", "prompt": "a boat"},
    OMNI_IMAGE: {"prompt": "a boat"},
}


@pytest.fixture(scope="module")
def kling() -> Iterator[SimulatorClient]:
    with SimulatorClient(slots={"video": 10_000, "image": 10_000, "try-on": 10_000}) as client:
        yield client


def _camera(kind: str = "simple", **config: float) -> dict[str, Any]:
    return {"type": kind, "config": config} if config else {"type": kind}


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    (T2V, {}),
    (T2V, {"negative_prompt": "", "external_task_id": "", "callback_url": "", "image": None}),
    (T2V, {"cfg_scale": 0.5}),
    (T2V, {"some_field_of_tomorrow": 1}),
    (T2V, {"sound": "on", "mode": "pro", "voice_list": [{"voice_id": "1"}]}),
    (T2V, {"model_name": "kling-v3", "mode": "4k", "duration": "15", "sound": "on"}),
    (T2V, {"model_name": "kling-v1-6", "cfg_scale": 0.9}),
    (T2V, {"model_name": "kling-v2-1-master", "mode": "pro"}),
    (
        T2V,
        {
            "model_name": "kling-v3",
            "prompt": "",
            "multi_shot": True,
            "shot_type": "customize",
            "multi_prompt": SHOTS,
        },
    ),
    (T2V, {"model_name": "kling-v3", "multi_shot": True, "shot_type": "intelligence"}),
    (I2V, {"prompt": ""}),
    (I2V, {"image_tail": IMAGE, "mode": "pro"}),
    (I2V, {"image": "https://example.com/a.png", "image_tail": IMAGE, "mode": "pro"}),
    (I2V, {"model_name": "kling-v3", "image_tail": IMAGE, "element_list": [{"element_id": 160}]}),
    (
        I2V,
        {
            "model_name": "kling-v1-5",
            "mode": "pro",
            "dynamic_masks": [
                {"mask": IMAGE, "trajectories": [{"x": 1, "y": 1}, {"x": 9, "y": 9}]}
            ],
        },
    ),
    (I2V, {"model_name": "kling-v1-5", "mode": "pro", "camera_control": _camera(zoom=5)}),
    (OMNI, {"image_list": [FRAME, TAIL], "aspect_ratio": ""}),
    (OMNI, {"video_list": [{"video_url": REMOTE}], "aspect_ratio": ""}),
    (OMNI, {"model_name": "kling-video-o1", "image_list": [{"image_url": IMAGE}], "duration": "3"}),
    (IMAGES, {"model_name": "kling-v3", "image": IMAGE, "n": 2}),
    (IMAGES, {"image": IMAGE, "image_reference": "subject", "human_fidelity": 0.4}),
    (IMAGES, {"image": IMAGE, "negative_prompt": ""}),
    # the vendor's own client sends these two defaults with every model
    *(
        (IMAGES, {"image_fidelity": 0.5, "human_fidelity": 0.45, **change})
        for change in (
            {"model_name": "kling-v3", "image": None},
            {"model_name": "kling-v1"},
            {"model_name": "kling-v2", "image": IMAGE},
            {"model_name": "kling-v1-5", "image": IMAGE, "image_reference": "face"},
        )
    ),
    (IMAGES, {"model_name": "kling-v2", "resolution": "2k", "image": IMAGE}),
    (T2V, {"camera_control": {"type": None}}),
    (T2V, {"camera_control": {"type": None, "config": {}}}),
    (T2V, {"watermark_info": {"enabled": None}}),
    (OMNI_IMAGE, {"model_name": "kling-v3-omni", "resolution": "4k"}),
    (
        OMNI_IMAGE,
        {"model_name": "kling-v3-omni", "result_type": "series", "series_amount": "auto"},
    ),
    (OMNI_IMAGE, {"image_list": [{"image": IMAGE}], "aspect_ratio": "auto"}),
]


@pytest.mark.parametrize(("path", "change"), ACCEPTED)
def test_what_the_documents_allow_is_accepted(
    kling: SimulatorClient, path: str, change: dict[str, Any]
) -> None:
    assert kling.create(path, GOOD[path] | change)["task_status"] == "submitted"


REJECTED: list[tuple[str, dict[str, Any], str]] = [
    # types, lengths, bounds, words
    (T2V, {"prompt": ""}, "prompt is required"),
    (T2V, {"prompt": 5}, "prompt must be a string"),
    (T2V, {"prompt": "x" * 2501}, "must not exceed 2500 characters"),
    (T2V, {"duration": 5}, "duration must be a string"),
    (T2V, {"duration": "7"}, "duration value '7' is not supported by the current model"),
    (T2V, {"duration": "16"}, "duration value '16' is invalid"),
    (T2V, {"mode": "best"}, "mode value 'best' is invalid"),
    (T2V, {"mode": "4k"}, "mode value '4k' is not supported by the current model"),
    (T2V, {"aspect_ratio": "4:3"}, "aspect_ratio value '4:3' is invalid"),
    (T2V, {"cfg_scale": 1.5}, "cfg_scale out of range. Please provide a value between 0 and 1."),
    (T2V, {"cfg_scale": "0.5"}, "cfg_scale must be a number"),
    (T2V, {"cfg_scale": True}, "cfg_scale must be a number"),
    (T2V, {"multi_shot": "true"}, "multi_shot must be a boolean"),
    (T2V, {"watermark_info": True}, "watermark_info must be an object"),
    (T2V, {"watermark_info": {"enabled": "yes"}}, "watermark_info.enabled must be a boolean"),
    (T2V, {"voice_list": ["1"]}, "voice_list[0] must be an object"),
    (T2V, {"voice_list": {"voice_id": "1"}}, "voice_list must be a list"),
    (IMAGES, {"n": 10}, "n out of range. Please provide a value between 1 and 9."),
    (IMAGES, {"n": 1.5}, "n must be an integer"),
    (IMAGES, {"image_fidelity": -0.1}, "image_fidelity out of range"),
    # models
    (T2V, {"model_name": "kling-v9"}, "model_name value 'kling-v9' is invalid"),
    (T2V, {"model_name": "kling-video-o1"}, "model_name value 'kling-video-o1' is invalid"),
    (IMAGES, {"model_name": "kling-image-o1"}, "model_name value 'kling-image-o1' is invalid"),
    (OMNI_IMAGE, {"model_name": "kling-v2-1"}, "model_name value 'kling-v2-1' is invalid"),
    (
        T2V,
        {"model_name": ""},
        "The model 'kling-v1' has been discontinued and is no longer available.",
    ),
    # what a model can do
    (T2V, {"sound": "on"}, "model/mode/duration(kling-v2-6/std/5) is not supported with sound"),
    (
        T2V,
        {"model_name": "kling-v2-5-turbo", "sound": "on"},
        "Sound is not supported by the current model",
    ),
    (T2V, {"camera_control": _camera(zoom=1)}, "Camera control is not supported"),
    (T2V, {"multi_shot": True, "shot_type": "intelligence"}, "Multi shot is not supported"),
    (
        I2V,
        {"model_name": "kling-v2-5-turbo", "image_tail": IMAGE},
        "model/mode/duration(kling-v2-5-turbo/std/5) is not supported with image_tail",
    ),
    (
        I2V,
        {"model_name": "kling-v2-master", "image_tail": IMAGE},
        "Image tail is not supported by the current model",
    ),
    (
        I2V,
        {"image_tail": IMAGE, "mode": "pro", "sound": "on"},
        "image_tail and sound cannot be used",
    ),
    (I2V, {"static_mask": IMAGE}, "Motion brush is not supported by the current model"),
    (
        I2V,
        {"model_name": "kling-v1-5", "static_mask": IMAGE},
        "model/mode/duration(kling-v1-5/std/5) is not supported with motion brush",
    ),
    (
        I2V,
        {"model_name": "kling-v1-5", "mode": "pro", "camera_control": _camera("down_back")},
        "camera_control type 'down_back' is not supported by the current model",
    ),
    (
        IMAGES,
        {"model_name": "kling-v1", "resolution": "2k"},
        "resolution value '2k' is not supported",
    ),
    (IMAGES, {"model_name": "kling-v2-new"}, "image is required for the current model"),
    (
        IMAGES,
        {"model_name": "kling-v1-5", "image": IMAGE},
        "image_reference is required with image for the current model",
    ),
    (OMNI_IMAGE, {"resolution": "4k"}, "resolution value '4k' is not supported"),
    (OMNI_IMAGE, {"result_type": "series"}, "result_type series is not supported"),
    # pairs
    (IMAGES, {"image": IMAGE, "negative_prompt": "x"}, "image and negative_prompt cannot be used"),
    (IMAGES, {"image_reference": "face"}, "image_reference requires image"),
    (T2V, {"mode": "pro", "voice_list": [{"voice_id": "1"}]}, "voice_list requires sound"),
    (T2V, {"shot_type": "customize"}, "shot_type requires multi_shot"),
    (I2V, {"image": ""}, "At least one of image and image_tail is required"),
    (
        I2V,
        {"model_name": "kling-v1-5", "mode": "pro", "image_tail": IMAGE, "static_mask": IMAGE},
        "image_tail and static_mask cannot be used together",
    ),
    (
        I2V,
        {
            "model_name": "kling-v1-5",
            "mode": "pro",
            "image_tail": IMAGE,
            "static_mask": IMAGE,
            "image": "",
        },
        "image_tail and static_mask cannot be used together",
    ),
    (
        I2V,
        {
            "model_name": "kling-v1-5",
            "mode": "pro",
            "static_mask": image_base64(300, 400),
        },
        "static_mask must have the same aspect ratio as image",
    ),
    (OMNI_IMAGE, {"series_amount": 3}, "series_amount is only supported when result_type"),
    (
        OMNI_IMAGE,
        {"model_name": "kling-v3-omni", "result_type": "series", "series_amount": 10},
        "series_amount out of range",
    ),
    (
        OMNI_IMAGE,
        {"model_name": "kling-v3-omni", "aspect_ratio": "auto"},
        "aspect_ratio value 'auto' is invalid without images",
    ),
    (
        OMNI_IMAGE,
        {"image_list": [{"image": IMAGE}] * 11},
        "At most 10 images and elements are allowed in total.",
    ),
    # shots
    (
        T2V,
        {"model_name": "kling-v3", "multi_prompt": SHOTS},
        "multi_prompt is only supported when shot_type is customize",
    ),
    (T2V, {"model_name": "kling-v3", "multi_shot": True}, "shot_type is required"),
    *(
        (
            T2V,
            {
                "model_name": "kling-v3",
                "multi_shot": True,
                "shot_type": "customize",
                "multi_prompt": shots,
            },
            message,
        )
        for shots, message in [
            ([], "multi_prompt is required when shot_type is customize"),
            ([SHOTS[1]], "multi_prompt index must start from 1"),
            ([SHOTS[0] | {"duration": "0"}], "multi_prompt duration must be a whole number"),
            ([SHOTS[0]], "The sum of multi_prompt durations must equal duration"),
            ([SHOTS[0]] * 7, "At most 6 multi_prompt items are allowed."),
            ([SHOTS[0] | {"prompt": "x" * 513}], "must not exceed 512 characters"),
            ([{"index": 1, "duration": "5"}], "multi_prompt[0].prompt is required"),
        ]
    ),
    # masks
    *(
        (
            I2V,
            {"model_name": "kling-v1-5", "mode": "pro", "dynamic_masks": masks},
            message,
        )
        for masks, message in [
            ([{"mask": IMAGE, "trajectories": [{"x": 1, "y": 1}]}], "At least 2"),
            ([{"mask": IMAGE, "trajectories": [{"x": 1.5, "y": 1}] * 2}], "must be an integer"),
            ([{"mask": IMAGE, "trajectories": [{"x": 1, "y": 1}] * 78}], "At most 77"),
            ([{"trajectories": [{"x": 1, "y": 1}] * 2}], "dynamic_masks[0].mask is required"),
        ]
    ),
    (
        I2V,
        {"model_name": "kling-v1-5", "mode": "pro", "image": "", "static_mask": IMAGE},
        "At least one of image and image_tail is required",
    ),
    # omni video
    (OMNI, {"aspect_ratio": ""}, "aspect_ratio is required"),
    (
        OMNI,
        {"aspect_ratio": "", "video_list": [{"video_url": REMOTE, "refer_type": "feature"}]},
        "aspect_ratio is required",
    ),
    (OMNI, {"image_list": [TAIL]}, "end_frame requires first_frame"),
    (OMNI, {"image_list": [FRAME, FRAME]}, "At most 1 first_frame item"),
    (OMNI, {"image_list": [{"image": IMAGE}]}, "image_list[0].image_url is required"),
    (OMNI, {"image_list": [{"image_url": IMAGE}] * 8}, "At most 7 images and elements"),
    (
        OMNI,
        {
            "image_list": [{"image_url": IMAGE}] * 5,
            "video_list": [{"video_url": REMOTE, "refer_type": "feature"}],
        },
        "At most 4 images and elements",
    ),
    (
        OMNI,
        {"video_list": [{"video_url": REMOTE}], "sound": "on"},
        "sound and video_list cannot be used together",
    ),
    (
        OMNI,
        {"video_list": [{"video_url": REMOTE}], "image_list": [FRAME]},
        "first_frame and end_frame are not supported when editing a base video",
    ),
    (
        OMNI,
        {
            "video_list": [{"video_url": REMOTE}],
            "multi_shot": True,
            "shot_type": "intelligence",
        },
        "multi_shot is not supported when editing a base video",
    ),
    (OMNI, {"video_list": [{"video_url": video_file(1).hex()}]}, "video_url must be a URL"),
    (
        OMNI,
        {"model_name": "kling-video-o1", "duration": "3"},
        "Duration only supports 5 or 10 seconds when no refer_image is provided",
    ),
    (
        OMNI,
        {"model_name": "kling-video-o1", "image_list": [FRAME], "duration": "7"},
        "Duration only supports 5 or 10 seconds when no refer_image is provided",
    ),
    (OMNI, {"model_name": "kling-video-o1", "duration": "12"}, "duration value '12'"),
    (OMNI, {"model_name": "kling-video-o1", "mode": "4k"}, "mode value '4k'"),
    (
        OMNI,
        {"model_name": "kling-video-o1", "image_list": [FRAME, TAIL, {"image_url": IMAGE}]},
        "end_frame is not supported with more than 2 images",
    ),
    # pictures
    (I2V, {"image": f"data:image/png;base64,{IMAGE}"}, "File is not in a valid base64 format"),
    # padding in the middle, at the end of a piece of a megabyte
    (I2V, {"image": "A" * (2**20 - 1) + "=" + "AAAA"}, "File is not in a valid base64 format"),
    (I2V, {"image": wav_base64()}, "image format is invalid, only jpg, jpeg and png"),
    (
        I2V,
        {"image": image_base64(format_="GIF")},
        "image format is invalid, only jpg, jpeg and png",
    ),
    (I2V, {"image": image_base64(299, 400)}, "Image pixel is invalid"),
    (
        I2V,
        {"image": image_base64(800, 310)},
        "resolution or aspect ratio of the input image is invalid",
    ),
    (I2V, {"image": "A" * 14_000_000}, "image file size must not exceed 10MB"),
]


@pytest.mark.parametrize(("path", "change", "message"), REJECTED)
def test_what_they_do_not_allow_is_rejected_with_a_message(
    path: str, change: dict[str, Any], message: str, kling: SimulatorClient
) -> None:
    status, code, text = error_of(kling.post(path, GOOD[path] | change))
    assert (status, code) == (400, 1201)
    assert message in text
