"""Old names and what they are called now; test_house.py sees that none comes back."""

from __future__ import annotations

SIMULATOR_WORDS = {
    "desk": "service",
    "shelf": "store",
    "bench": "context",
    "ask": "request",
    "asks_for": "is_on",
    "refusal": "error",
    "rulebook": "rules",
    "book": "rules",
    "enclosures": "media_fields",
    "heeded": "kept",
    "unheeded": "ignored",
    "disturbance": "fault_middleware",
    "spoil": "replace",
    "translation": "v2_bodies",
    "flatten": "to_v1_body",
    "new_standard": "v2",
    "shown_as_new": "task_object",
    "lay_out": "build_result",
    "fate": "planned_outcome",
    "undrawn": "unrendered",
    "mask_of": "session_mask",
    "edits_film": "edits_video",
    "recognise": "recognize",
    "only_here": "require_loopback",
    "simulated": "simulator_client",
    "neighbour": "listener",
}

# Old words and the field's, by the folder in which the old one is wrong; the longest folder that
# fits a file counts beside the shorter ones. A word of two parts stands as in a name: `in_hand`.
OLD_NAMES: dict[str, dict[str, str]] = {
    "": {},
    "kling_pipeline/": {
        "heir": "successor",
        "sift": "apply_limits",
        "digest_order": "digest_request",
        "check_order": "check_request",
        "take_files": "resolve_files",
    },
    "tests/unit/": {"bench": "harness"},
    "ui/": {},
    "kling_pipeline/simulator/": SIMULATOR_WORDS,
    "tests/unit/test_simulator_": SIMULATOR_WORDS,
    "tests/unit/simulator_client": SIMULATOR_WORDS,
    "tests/service/test_simulator_": SIMULATOR_WORDS,
    "tests/service/simulator_server": SIMULATOR_WORDS,
}
# Names that only look like one of them, or that cannot change: file, or "" for all, to names.
STILL_NAMED: dict[str, set[str]] = {
    "": set(),
}
