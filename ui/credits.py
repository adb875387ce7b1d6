"""The Credits section: one island, filled from the ledger by its script."""

from __future__ import annotations

import gradio as gr


def build_credits() -> None:
    """The section's skeleton."""
    gr.HTML('<section class="ks-credits" data-credits></section>', apply_default_css=False,
            js_on_load="window.studioCredits?.mount(element)")  # fmt: skip
