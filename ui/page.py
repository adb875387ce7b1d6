"""The layout of the page: sections, groups, capabilities, and the islands beside the form."""

from __future__ import annotations

import itertools
import json
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.pipeline import Pipeline
from ui import credits, islands
from ui.form.events import BROWSER_ONLY, UNQUEUED, connect_events
from ui.form.layout import Form, build_form, build_tab
from ui.form.updates import restore
from ui.gradio_errors import EXCEPTION_HANDLERS, SafeBlocks
from ui.http.owner import OWNER
from ui.manifest import read_manifest
from ui.page_head import PageHeadMiddleware, render_head
from ui.theme import StudioTheme
from ui.words.i18n import Labels

LABELS = Labels()
GROUPS = ("video", "image", "sound", "edit")
HEADING = '<h1 class="ks-hidden-heading">${value}</h1>'


def build_page(pipeline: Pipeline) -> gr.Blocks:
    """Build the page with a tab for every capability of the catalog."""
    with SafeBlocks(title="Kling Studio", analytics_enabled=False, fill_width=True) as page:
        islands.header()
        groups = _grouped(pipeline.catalog.capabilities.values())
        with gr.Column(elem_id="ks-hidden-inputs"):
            forms = [build_form(pipeline, one) for members in groups.values() for one in members]
            last_tab = gr.Textbox(elem_id="where")
            navigation = gr.Textbox(elem_id="go")
            read_ledger = gr.Button(elem_id="read-ledger")
        by_id = {form.capability.id: form for form in forms}
        tabs: dict[str, gr.Tabs] = {}
        with gr.Tabs(elem_id="sections", selected="create") as sections:
            with gr.Tab(LABELS.text("section.create"), id="create", elem_id="s-create"):
                _heading("section.create_h1")
                with gr.Row(elem_id="work"):
                    with gr.Column(elem_id="form-col", min_width=0):
                        tabs["groups"] = _build_groups(groups, by_id, tabs)
                    with gr.Column(elem_id="viewer-col", min_width=0):
                        islands.viewer()
                    with gr.Column(elem_id="board-col", min_width=0):
                        islands.board()
            with gr.Tab(
                LABELS.text("section.credits"), id="credits", elem_id="s-credits"
            ) as credits_tab:
                _heading("section.credits_h1")
                ledger = credits.build_credits()
        credits_tab.select(js="() => window.studioCredits?.read()", **BROWSER_ONLY)
        read_ledger.click(lambda: credits.read_credits(pipeline, OWNER), None, ledger, **UNQUEUED)
        for form in forms:
            connect_events(form)
        _connect_page(page, forms, last_tab, navigation, sections, tabs)
    return page


def mount_options(pipeline: Pipeline) -> dict[str, Any]:
    """Return the options of `gr.mount_gradio_app`; call it after `build_page`, which registers the labels."""
    root = pipeline.settings.public_path
    head = render_head(pipeline.settings.demo, read_manifest(pipeline), root)
    return {
        "root_path": root or None,
        "show_error": False,
        "theme": StudioTheme(),
        "i18n": LABELS.i18n(),
        "footer_links": [],
        "app_kwargs": {
            "middleware": [Middleware(PageHeadMiddleware, head=lambda: head, root=root)],
            "exception_handlers": EXCEPTION_HANDLERS,
        },
    }


def _grouped(capabilities: Any) -> dict[str, list[Capability]]:
    """Sort capabilities into GROUPS, without empty ones, each in the order of the catalog."""
    found = {group: [one for one in capabilities if one.group == group] for group in GROUPS}
    return {group: members for group, members in found.items() if members}


def _build_groups(
    groups: dict[str, list[Capability]], forms: dict[str, Form], tabs: dict[str, gr.Tabs]
) -> gr.Tabs:
    with gr.Tabs(elem_id="groups", selected=next(iter(groups))) as outer:
        for group, members in groups.items():
            with (
                gr.Tab(LABELS.text(f"group.{group}"), id=group, elem_id=f"t-{group}") as above,
                gr.Tabs(elem_classes=["ks-members"], selected=members[0].id) as inner,
            ):
                tabs[group] = inner
                for one in members:
                    label = LABELS.text(f"capability.{one.id}", one.title)
                    with gr.Tab(label, id=one.id, elem_id=f"t-{one.id}") as tab:
                        build_tab(forms[one.id], LABELS)
                    tab.select(js=f"() => window.studioForm?.opened({one.id!r})", **BROWSER_ONLY)
            above.select(js="() => window.studioForm?.switched()", **BROWSER_ONLY)
    return outer


def _connect_page(
    page: gr.Blocks, forms: list[Form], last_tab: gr.Textbox, navigation: gr.Textbox,
    sections: gr.Tabs, tabs: dict[str, gr.Tabs],
) -> None:  # fmt: skip
    by_id = {form.capability.id: form.capability for form in forms}

    def navigate(request: str) -> list[Any]:
        target = json.loads(request or "{}")
        if target.get("section"):
            return [gr.update(selected=target["section"]), *(gr.skip() for _ in tabs)]
        capability = by_id.get(target.get("capability"))
        return [gr.update(selected="create"), *_selected(capability, tabs)]

    def restore_drafts(last: str, *drafts: Any) -> list[Any]:
        filled = [restore(form, OWNER, draft) for form, draft in zip(forms, drafts, strict=True)]
        return [*_selected(by_id.get(last), tabs), *itertools.chain.from_iterable(filled)]

    navigation.input(navigate, navigation, [sections, *tabs.values()], **UNQUEUED)
    page.load(
        restore_drafts,
        [last_tab, *(form.draft for form in forms)],
        [*tabs.values(), *(part for form in forms for part in form.outputs)],
        js="(w, ...v) => [window.studioForm?.last() ?? '', ...v]",
        postprocess=False,
        **UNQUEUED,
    ).then(js="() => window.studioForm.begin()", **BROWSER_ONLY)


def _selected(capability: Capability | None, tabs: dict[str, gr.Tabs]) -> list[Any]:
    """Return the updates of all tabs that open a capability, or leave them as they are for None."""
    if capability is None:
        return [gr.skip() for _ in tabs]
    selected = {"groups": capability.group, capability.group: capability.id}
    return [gr.update(selected=selected[name]) if name in selected else gr.skip() for name in tabs]


def _heading(key: str) -> None:
    gr.HTML(LABELS.text(key), html_template=HEADING, apply_default_css=False, js_on_load=None)
