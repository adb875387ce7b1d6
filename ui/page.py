"""The page's table of contents: sections, groups, capabilities, and the islands beside the form."""

from __future__ import annotations

import itertools
import json
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.pipeline import Pipeline
from ui import board, credits
from ui.events import HANDLERS, Page
from ui.form.events import FRONT, QUICK, wire
from ui.form.layout import Form, build_form, build_tab
from ui.form.updates import restore
from ui.gate import public_path
from ui.head import FirstPaint, read_head
from ui.makings import read_makings
from ui.owner import OWNER
from ui.theme import Studio
from ui.tongue import Tongue

TONGUE = Tongue()
GROUPS = ("video", "image", "sound", "edit")
HEADING = '<h1 class="ks-hidden-heading">${value}</h1>'


def build_page(pipeline: Pipeline) -> gr.Blocks:
    """The whole page."""
    with Page(title="Kling Studio", analytics_enabled=False, fill_width=True) as page:
        board.header()
        groups = _grouped(pipeline.catalog.capabilities.values())
        with gr.Column(elem_id="ks-doors"):
            forms = [build_form(pipeline, one) for members in groups.values() for one in members]
            where = gr.Textbox(elem_id="where")
            go = gr.Textbox(elem_id="go")
            read = gr.Button(elem_id="read-ledger")
        by_id = {form.capability.id: form for form in forms}
        tabs: dict[str, gr.Tabs] = {}
        with gr.Tabs(elem_id="sections", selected="create") as sections:
            with gr.Tab(TONGUE.word("section.create"), id="create", elem_id="s-create"):
                _heading("section.create_h1")
                with gr.Row(elem_id="work"):
                    with gr.Column(elem_id="form-col", min_width=0):
                        tabs["groups"] = _build_groups(groups, by_id, tabs)
                    with gr.Column(elem_id="stage-col", min_width=0):
                        board.stage()
                    with gr.Column(elem_id="board-col", min_width=0):
                        board.board()
            with gr.Tab(TONGUE.word("section.credits"), id="credits", elem_id="s-credits") as money:
                _heading("section.credits_h1")
                ledger = credits.build_credits()
        money.select(js="() => window.studioCredits?.read()", **FRONT)
        read.click(lambda: credits.read_credits(pipeline, OWNER), None, ledger, **QUICK)
        for form in forms:
            wire(form)
        _wire_page(page, forms, where, go, sections, tabs)
    return page


def mount_options(pipeline: Pipeline) -> dict[str, Any]:
    """What `gr.mount_gradio_app` needs besides the page; ask for it after `build_page`."""
    root = public_path(pipeline.settings)
    head = read_head(pipeline.settings.demo, read_makings(pipeline), root)
    return {
        "root_path": root or None,
        "show_error": False,
        "theme": Studio(),
        "i18n": TONGUE.i18n(),
        "footer_links": [],
        "app_kwargs": {
            "middleware": [Middleware(FirstPaint, head=lambda: head, root=root)],
            "exception_handlers": HANDLERS,
        },
    }


def _grouped(capabilities: Any) -> dict[str, list[Capability]]:
    """Groups that have a capability, each with its members in the order of the catalog."""
    found = {group: [one for one in capabilities if one.group == group] for group in GROUPS}
    return {group: members for group, members in found.items() if members}


def _build_groups(
    groups: dict[str, list[Capability]], forms: dict[str, Form], tabs: dict[str, gr.Tabs]
) -> gr.Tabs:
    with gr.Tabs(elem_id="groups", selected=next(iter(groups))) as outer:
        for group, members in groups.items():
            with (
                gr.Tab(TONGUE.word(f"group.{group}"), id=group, elem_id=f"t-{group}") as above,
                gr.Tabs(elem_classes=["ks-members"], selected=members[0].id) as inner,
            ):
                tabs[group] = inner
                for one in members:
                    label = TONGUE.word(f"capability.{one.id}", one.title)
                    with gr.Tab(label, id=one.id, elem_id=f"t-{one.id}") as tab:
                        build_tab(forms[one.id], TONGUE)
                    tab.select(js=f"() => window.studioForm?.opened({one.id!r})", **FRONT)
            above.select(js="() => window.studioForm?.switched()", **FRONT)
    return outer


def _wire_page(
    page: gr.Blocks, forms: list[Form], where: gr.Textbox, go: gr.Textbox,
    sections: gr.Tabs, tabs: dict[str, gr.Tabs],
) -> None:  # fmt: skip
    by_id = {form.capability.id: form.capability for form in forms}

    def lead(order: str) -> list[Any]:
        asked = json.loads(order or "{}")
        if asked.get("section"):
            return [gr.update(selected=asked["section"]), *(gr.skip() for _ in tabs)]
        chosen = by_id.get(asked.get("capability"))
        return [gr.update(selected="create"), *_selected(chosen, tabs)]

    def begin(last: str, *drafts: Any) -> list[Any]:
        filled = [restore(form, OWNER, draft) for form, draft in zip(forms, drafts, strict=True)]
        return [*_selected(by_id.get(last), tabs), *itertools.chain.from_iterable(filled)]

    go.input(lead, go, [sections, *tabs.values()], **QUICK)
    page.load(
        begin,
        [where, *(form.draft for form in forms)],
        [*tabs.values(), *(part for form in forms for part in form.outputs)],
        js="(w, ...v) => [window.studioForm?.last() ?? '', ...v]",
        postprocess=False,
        **QUICK,
    ).then(js="() => window.studioForm.begin()", **FRONT)


def _selected(capability: Capability | None, tabs: dict[str, gr.Tabs]) -> list[Any]:
    """Updates that open a capability: its group, and itself within the group."""
    if capability is None:
        return [gr.skip() for _ in tabs]
    chosen = {"groups": capability.group, capability.group: capability.id}
    return [gr.update(selected=chosen[name]) if name in chosen else gr.skip() for name in tabs]


def _heading(key: str) -> None:
    gr.HTML(TONGUE.word(key), html_template=HEADING, apply_default_css=False, js_on_load=None)
