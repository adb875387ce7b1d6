"""Build the form and the pay bar of any capability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from kling_pipeline.catalog.declaration import Capability, Look
from kling_pipeline.pipeline import Pipeline
from ui.form.fields import Field, read_fields
from ui.form.quote import VARIANTS, FormQuotes
from ui.form.widgets import build_field, build_session_panel
from ui.words.i18n import Labels

_MAX_VARIANTS = 4
_ON_REPLY = "watch('value', () => window.studioForm?.receive(JSON.parse(props.value || 'null')))"
_HINT_LINES = '<div class="ks-hints" data-hints aria-live="polite"></div>'
_PAY_BAR = """<div class="ks-pay" data-pay><button type="button" class="ks-paybtn"><span>–</span></button>
<div class="ks-after"><span class="ks-left"></span>
<details class="ks-working" hidden><summary aria-label="?">?</summary><p></p></details>
<span class="ks-kbds" aria-hidden="true"><kbd>Ctrl</kbd><kbd>Enter</kbd></span></div></div>"""


@dataclass
class Form:
    """A capability's form on the page: its fields, and the components outside the tabs that scripts and events use.

    `update_request` and `reply` hold JSON: a request to fill the form, and what is drawn of a quote or a submit.
    """

    capability: Capability
    fields: list[Field]
    quotes: FormQuotes
    update_request: gr.Textbox
    submit_button: gr.Button
    reply: gr.HTML
    draft: gr.BrowserState

    @property
    def components(self) -> dict[str, Any]:
        """Map the keyword under which event handlers get a value to its component."""
        return {name: part for one in self.fields for name, part in one.components.items()}

    @property
    def media(self) -> list[Field]:
        """Return the fields that take a file."""
        return [one for one in self.fields if one.media is not None]

    @property
    def session_fields(self) -> list[Field]:
        """Return the fields that are chosen within a session; they are valid for one file only."""
        return [one for one in self.fields if one.widget == "session"]

    @property
    def session_inputs(self) -> list[str]:
        """Name the file fields that the call which opens a session reads."""
        calls = [call for call in self.capability.calls if call.opens]
        return [
            one.name for one in self.media for call in calls if one.name in call.asks.model_fields
        ]

    @property
    def outputs(self) -> list[Component]:
        """List what an update sets, in the order of its values."""
        pictures = [preview for one in self.media for preview in one.previews.values()]
        return [*self.components.values(), *pictures, self.reply]


def build_form(pipeline: Pipeline, capability: Capability) -> Form:
    """Build a form's hidden components; call it outside the tabs, which Gradio draws when they are first opened."""
    fields = read_fields(capability, pipeline.catalog.models(capability.id))
    quotes = FormQuotes(pipeline, capability, fields)
    variants = Field(
        capability=capability.id, name=VARIANTS, look=Look("choice"), media=None, default=1,
        optional=False, values=tuple(range(1, _MAX_VARIANTS + 1)),
    )  # fmt: skip
    # Before the switches, so that choices of one kind are neighbours.
    after = next((at for at, one in enumerate(fields) if one.widget == "switch"), len(fields))
    return Form(
        capability=capability,
        fields=[*fields[:after], variants, *fields[after:]],
        quotes=quotes,
        update_request=gr.Textbox(elem_id=f"update-{capability.id}"),
        submit_button=gr.Button(elem_id=f"send-{capability.id}"),
        reply=gr.HTML(
            html_template="<i></i>", js_on_load=_ON_REPLY, elem_id=f"answer-{capability.id}"
        ),
        draft=gr.BrowserState(
            storage_key=f"studio.draft.{capability.id}", secret="kling-studio-draft"
        ),
    )


def build_tab(form: Form, labels: Labels) -> None:
    """Draw the visible form: files, prompt, settings, an accordion of advanced settings, and the pay bar."""
    visible = [
        one for one in form.fields if not one.look.advanced and one not in form.session_fields
    ]
    folded = [one for one in form.fields if one.look.advanced]
    first = [one for one in visible if one.widget == "media"]
    words = [one for one in visible if one.widget in ("prompt", "text")]
    rest = [one for one in visible if one not in first and one not in words]
    name = form.capability.id
    with gr.Column(elem_id=f"form-{name}", elem_classes=["ks-form"]):
        with gr.Column(elem_classes=["ks-fields"]):
            _build_files(form, first, labels)
            for one in words:
                build_field(one, labels)
            gr.HTML(
                html_template=_HINT_LINES,
                js_on_load="window.studioForm?.mount(element)",
                apply_default_css=False,
                elem_classes=["ks-wide"],
            )
            for one in rest:
                build_field(one, labels)
            if folded:
                label = labels.advanced(name, [one.name for one in folded])
                with (
                    gr.Accordion(label, open=False, elem_id=f"adv-{name}", elem_classes=["ks-adv"]),
                    gr.Column(elem_classes=["ks-fields", "ks-folded"]),
                ):
                    for one in folded:
                        build_field(one, labels)
        gr.HTML(
            html_template=_PAY_BAR,
            js_on_load="window.studioForm?.mount(element)",
            apply_default_css=False,
            elem_classes=["ks-paybar"],
        )


def _build_files(form: Form, files: list[Field], labels: Labels) -> None:
    """Draw the file fields; a session's panel goes beside the file that it reads, or below its row."""
    rest = list(files)
    while rest:
        one = rest.pop(0)
        build_field(one, labels)
        if one.name in form.session_inputs and form.session_fields:
            beside = len(rest) > 0 and len(rest[0].slots) == 1
            if beside:
                build_field(rest.pop(0), labels)
            build_session_panel(form.session_fields, one.name, wide=beside)
