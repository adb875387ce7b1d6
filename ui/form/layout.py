"""One tab builder for every capability: its form and the pay bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from kling_pipeline.catalog.declaration import Capability, Look
from kling_pipeline.pipeline import Pipeline
from ui.form.fields import Field, read_fields
from ui.form.quote import VARIANTS, FormQuotes
from ui.form.widgets import build_choices, build_field
from ui.tongue import Tongue

_MOST_VARIANTS = 4
_ANSWER = "watch('value', () => window.studioForm?.paint(JSON.parse(props.value || 'null')))"
_HINTS = '<div class="ks-hints" data-hints aria-live="polite"></div>'
_PAY = """<div class="ks-pay" data-pay><button type="button" class="ks-paybtn"><span>–</span></button>
<div class="ks-after"><span class="ks-left"></span>
<details class="ks-working" hidden><summary aria-label="?">?</summary><p></p></details>
<span class="ks-kbds" aria-hidden="true"><kbd>Ctrl</kbd><kbd>Enter</kbd></span></div></div>"""


@dataclass
class Form:
    """A capability's form on the page: its fields, and the parts that are seen by nobody."""

    capability: Capability
    fields: list[Field]
    quotes: FormQuotes
    order: gr.Textbox
    send: gr.Button
    answer: gr.HTML
    draft: gr.BrowserState

    @property
    def parts(self) -> dict[str, Any]:
        """Every widget that holds a value, by the name under which handlers get it."""
        return {name: part for one in self.fields for name, part in one.parts.items()}

    @property
    def media(self) -> list[Field]:
        """The fields that take a file."""
        return [one for one in self.fields if one.media is not None]

    @property
    def chosen(self) -> list[Field]:
        """What a person chooses between calls; it holds for one file only."""
        return [one for one in self.fields if one.widget == "session"]

    @property
    def begins(self) -> list[str]:
        """The files that the opening call looks at."""
        calls = [call for call in self.capability.calls if call.opens]
        return [
            one.name for one in self.media for call in calls if one.name in call.asks.model_fields
        ]

    @property
    def outputs(self) -> list[Component]:
        """What an order puts out, in its order."""
        pictures = [preview for one in self.media for preview in one.previews.values()]
        return [*self.parts.values(), *pictures, self.answer]


def build_form(pipeline: Pipeline, capability: Capability) -> Form:
    """The unseen parts of a form; they stand outside the tabs, because a tab is drawn when it is first opened."""
    fields = read_fields(capability, pipeline.catalog.models(capability.id))
    quotes = FormQuotes(pipeline, capability, fields)
    variants = Field(
        capability=capability.id, name=VARIANTS, look=Look("choice"), media=None, default=1,
        optional=False, values=tuple(range(1, _MOST_VARIANTS + 1)),
    )  # fmt: skip
    # Settings first, then how many, then switches: choices of one kind stand beside each other.
    after = next((at for at, one in enumerate(fields) if one.widget == "switch"), len(fields))
    return Form(
        capability=capability,
        fields=[*fields[:after], variants, *fields[after:]],
        quotes=quotes,
        order=gr.Textbox(elem_id=f"order-{capability.id}"),
        send=gr.Button(elem_id=f"send-{capability.id}"),
        answer=gr.HTML(html_template="<i></i>", js_on_load=_ANSWER, elem_id=f"say-{capability.id}"),
        draft=gr.BrowserState(
            storage_key=f"studio.draft.{capability.id}", secret="kling-studio-draft"
        ),
    )


def build_tab(form: Form, tongue: Tongue) -> None:
    """The form as it is seen: files, prompt, settings, the folded rest, and the pay bar."""
    plain = [one for one in form.fields if not one.look.advanced and one not in form.chosen]
    folded = [one for one in form.fields if one.look.advanced]
    first = [one for one in plain if one.widget == "media"]
    words = [one for one in plain if one.widget in ("prompt", "text")]
    rest = [one for one in plain if one not in first and one not in words]
    name = form.capability.id
    with gr.Column(elem_id=f"form-{name}", elem_classes=["ks-form"]):
        with gr.Column(elem_classes=["ks-fields"]):
            _build_files(form, first, tongue)
            for one in words:
                build_field(one, tongue)
            gr.HTML(
                html_template=_HINTS,
                js_on_load="window.studioForm?.mount(element)",
                apply_default_css=False,
                elem_classes=["ks-wide"],
            )
            for one in rest:
                build_field(one, tongue)
            if folded:
                label = tongue.advanced(name, [one.name for one in folded])
                with (
                    gr.Accordion(label, open=False, elem_id=f"adv-{name}", elem_classes=["ks-adv"]),
                    gr.Column(elem_classes=["ks-fields", "ks-folded"]),
                ):
                    for one in folded:
                        build_field(one, tongue)
        gr.HTML(
            html_template=_PAY,
            js_on_load="window.studioForm?.mount(element)",
            apply_default_css=False,
            elem_classes=["ks-paybar"],
        )


def _build_files(form: Form, files: list[Field], tongue: Tongue) -> None:
    """The files; what is found in one of them is chosen beside it, or below the row it stands in."""
    rest = list(files)
    while rest:
        one = rest.pop(0)
        build_field(one, tongue)
        if one.name in form.begins and form.chosen:
            beside = len(rest) > 0 and len(rest[0].slots) == 1
            if beside:
                build_field(rest.pop(0), tongue)
            build_choices(form.chosen, one.name, wide=beside)
