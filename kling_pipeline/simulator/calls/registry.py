"""The synchronous calls by the names of their endpoints in rules.toml."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from kling_pipeline.simulator.calls import faces, recognition, selections, speech
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.inputs.probe import InputFile
from kling_pipeline.simulator.rules.create_request import CreateRequest

Call = Callable[[Context, CreateRequest, Sequence[InputFile]], Awaitable[dict[str, Any]]]
CALLS: Mapping[str, Call] = {
    "identify-face": faces.identify_face,
    "init-selection": selections.init_selection,
    "add-selection": selections.add_selection,
    "delete-selection": selections.delete_selection,
    "clear-selection": selections.clear_selection,
    "preview-selection": selections.preview_selection,
    "tts": speech.text_to_speech,
    "image-recognize": recognition.recognize_image,
}
