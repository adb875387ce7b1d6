"""Gradio's theme with every value set to a CSS variable, so that tokens.css defines both color schemes."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.themes.utils.fonts import LocalFont

CLEAR, NONE = "transparent", "none"

_PER_SCHEME: dict[str, str] = {
    "body_background_fill": "var(--bench)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--ink2)",
    "background_fill_primary": "var(--bench)",
    "background_fill_secondary": "var(--wash)",
    "border_color_primary": "var(--line)",
    "border_color_accent": "var(--run)",
    "border_color_accent_subdued": "var(--line)",
    "color_accent_soft": "var(--wash)",
    "link_text_color": "var(--ink)",
    "link_text_color_hover": "var(--ink)",
    "link_text_color_visited": "var(--ink)",
    "link_text_color_active": "var(--ink)",
    "block_background_fill": CLEAR,
    "block_border_color": CLEAR,
    "block_border_width": "0px",
    "block_shadow": NONE,
    "block_label_background_fill": CLEAR,
    "block_label_border_color": CLEAR,
    "block_label_border_width": "0px",
    "block_label_shadow": NONE,
    "block_label_text_color": "var(--ink2)",
    "block_title_background_fill": CLEAR,
    "block_title_border_color": CLEAR,
    "block_title_border_width": "0px",
    "block_title_text_color": "var(--ink2)",
    "panel_background_fill": CLEAR,
    "panel_border_color": CLEAR,
    "panel_border_width": "0px",
    "input_background_fill": "var(--field)",
    "input_background_fill_hover": "var(--field)",
    "input_background_fill_focus": "var(--field)",
    "input_border_color": "var(--edge)",
    "input_border_color_hover": "var(--edge)",
    "input_border_color_focus": "var(--run)",
    "input_placeholder_color": "var(--ink3)",
    "input_shadow": NONE,
    "input_shadow_focus": "0 0 0 1px var(--run)",
    "checkbox_background_color": CLEAR,
    "checkbox_background_color_selected": "var(--ink)",
    "checkbox_border_color": "var(--edge)",
    "checkbox_border_color_focus": "var(--run)",
    "checkbox_border_color_selected": "var(--ink)",
    "checkbox_label_background_fill": CLEAR,
    "checkbox_label_background_fill_hover": CLEAR,
    "checkbox_label_background_fill_selected": CLEAR,
    "checkbox_label_border_color": CLEAR,
    "checkbox_label_text_color": "var(--ink2)",
    "checkbox_label_text_color_selected": "var(--bench)",
    "slider_color": "var(--ink)",
    "button_primary_background_fill": "var(--pay)",
    "button_primary_background_fill_hover": "var(--pay-h)",
    "button_primary_text_color": "var(--pay-ink)",
    "button_secondary_background_fill": CLEAR,
    "button_secondary_background_fill_hover": "var(--wash)",
    "button_secondary_text_color": "var(--ink)",
    "button_secondary_border_color": "var(--edge)",
    "error_background_fill": "var(--lift)",
    "error_border_color": "var(--fail)",
    "error_text_color": "var(--ink)",
    "error_icon_color": "var(--fail)",
    "table_border_color": "var(--line)",
    "shadow_drop": NONE,
    "shadow_drop_lg": "var(--pop)",
}

_SHARED: dict[str, str] = {
    "color_accent": "var(--run)",
    "loader_color": "var(--run)",
    "block_padding": "0px",
    "block_radius": "0px",
    "block_label_padding": "0px",
    "block_label_margin": "0px",
    "block_label_text_size": "12px",
    "block_label_text_weight": "400",
    "block_title_padding": "0px",
    "block_title_text_size": "12px",
    "block_title_text_weight": "400",
    "container_radius": "0px",
    "form_gap_width": "0px",
    "layout_gap": "0px",
    "input_padding": "8px 12px",
    "input_radius": "6px",
    "input_text_size": "14px",
    "input_border_width": "1px",
    "button_large_radius": "6px",
    "button_transition": "background-color var(--quick), color var(--quick)",
    "prose_text_size": "14px",
    "section_header_text_size": "12px",
}


class StudioTheme(gr.themes.Base):
    """IBM Plex in two weights, and the values below that this version of Gradio has."""

    def __init__(self) -> None:
        super().__init__(
            # The bundled semibold files lack most of ASCII; regular and bold are complete.
            font=[LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
            font_mono=[LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
            text_size=gr.themes.sizes.text_md,
        )
        known = super().set.__code__.co_varnames
        values: dict[str, Any] = {**_SHARED, **_PER_SCHEME}
        values |= {f"{name}_dark": value for name, value in _PER_SCHEME.items()}
        super().set(**{name: value for name, value in values.items() if name in known})
