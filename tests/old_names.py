"""Old names and what they are called now; test_house.py sees that none comes back."""

from __future__ import annotations

SIMULATOR_WORDS = {
    "sheet": "job",
    "sheets": "jobs",
    "orders": "plan",
    "studio": "renderer",
    "make_and_tell": "render_and_report",
    "lay_by": "write_inputs",
    "stand_in": "placeholder_job",
    "material": "input_file",
    "materials": "inputs",
    "take_in": "read_inputs",
    "enclosure": "media_field",
    "slack": "tolerance",
    "told": "last",
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

PAGE_FILES = (
    *("ui/", "app.py"),
    *(
        f"tests/unit/test_{name}.py"
        for name in (
            *("body_limits", "error_responses", "form", "host_check", "json_counter"),
            *("quote", "server", "thread_pools", "upload_quota", "words"),
        )
    ),
)
PAGE_WORDS = {
    "tongue": "i18n, labels",
    "makings": "manifest",
    "stands": "field_states",
    "leftovers": "gradio_uploads",
    "knock": "request",
    "gate": "host_check",
    "room": "upload_quota",
    "stand": "field_state",
    "making": "manifest",
    "refusals": "error_handlers",
    "orders": "form updates",
    "order": "update_request, job_request",
    "speak": "make_download_name",
    "say": "format_message",
    "says": "status",
    "said": "reply, error, message",
    "told": "found, shown, warnings",
    "held": "widget_values, buffered; only credits are held",
    "patience": "limits",
    "capacity": "thread_pool",
    "incoming": "body_stream",
    "answers": "safe_responses",
    "wiring": "events",
    "stage": "viewer",
    "begins": "session_inputs",
    "chosen": "session_fields",
    "spare": "unused_slots",
    "swaps": "offers",
    "stand_in": "placeholders",
    "json_count": "json_counter",
    "is_at": "is_same_site",
    "first_paint": "page_head_middleware",
    "refuse_http": "handle_http_exception",
    "refuse_unknown": "handle_unexpected",
    "silent": "idle_seconds",
}

ENGINE_FILES = (
    *(
        f"kling_pipeline/{name}/"
        for name in ("catalog", "jobs", "kling", "lint", "media", "storage")
    ),
    *(
        f"kling_pipeline/{name}.py"
        for name in (
            *("__main__", "cli_input", "console", "data_folder", "demo", "doctor", "env_file"),
            *("errors", "pipeline", "redaction", "runtime", "settings", "worker"),
        )
    ),
)
ENGINE_WORDS = {
    "bell": "notify",
    "ring": "notify",
    "rung": "notified",
    "pump": "scheduler_lease",
    "has_place": "has_capacity",
    "show_places": "show_queue_positions",
    "outlook": "queue_forecast",
    "say": "status, write_line",
    "says": "status, status_text",
    "known": "step_results, or the name of what is known",
    "heir": "successor",
    "sift": "apply_limits",
    "me": "process_id",
    "in_hand": "active_jobs",
    "lend": "expose_file",
    "lent": "exposed",
    "digest_order": "digest_request",
    "check_order": "check_request",
    "take_files": "resolve_files",
    "take_over": "recover_leases",
    "take_up": "resume",
    "set_back": "record_step_failure",
    "stumbled": "step_failed",
    "vain": "retries_exhausted, save_failures",
    "unheard": "unanswered",
    "patience": "timeout, tick_budget",
    "sweep": "clean_up",
    "swept": "cleaned",
    "wish": "cancel_requested",
    "wished": "cancel_requested",
    "hear": "on_bytes, receive",
    "untold": "inconclusive",
    "sight": "successful_poll",
    "misses": "failed_polls",
    "viewers": "change_feed",
    "mend": "repair",
    "anew": "resigned",
    "door": "pipeline",
    "desk": "service",
    "places": "concurrency, queue_positions",
    "said": "message, reason, reply",
    "told": "what it is: listed, answered, stored",
}

# Old words and the field's, by the folder in which the old one is wrong; the longest folder that
# fits a file counts beside the shorter ones. A word of two parts stands as in a name: `in_hand`.
OLD_NAMES: dict[str, dict[str, str]] = {
    "": {},
    **dict.fromkeys(ENGINE_FILES, ENGINE_WORDS),
    "tests/unit/": {"bench": "harness"},
    **dict.fromkeys(PAGE_FILES, PAGE_WORDS),
    "kling_pipeline/simulator/": SIMULATOR_WORDS,
    "tests/unit/test_simulator_": SIMULATOR_WORDS,
    "tests/unit/simulator_client": SIMULATOR_WORDS,
    "tests/service/test_simulator_": SIMULATOR_WORDS,
    "tests/service/simulator_server": SIMULATOR_WORDS,
}
# Names that only look like one of them, or that cannot change: file, or "" for all, to names.
STILL_NAMED: dict[str, set[str]] = {
    "": {"studio_places"},  # STUDIO_PLACES
    "kling_pipeline/doctor.py": {"said"},  # a figure of a sentence, kept in rows
    "ui/api/files.py": {"incoming"},  # the engine's folder of uploads
    "ui/gradio_errors.py": {"state_session_capacity"},  # Gradio's
}
