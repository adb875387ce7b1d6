"""The skeletons of the islands header, viewer and board, which the scripts in `static/` fill and patch.

A skeleton holds no text: `data-t` names the key of `words/` that is shown in the browser's language.
"""

from __future__ import annotations

import json

import gradio as gr

from ui.words import LANGUAGES, read_words

__all__ = ["board", "head", "header", "viewer"]

STYLE_SHEETS = (
    "shared/tokens.css",
    "shared/islands.css",
    "page/header.css",
    "viewer/viewer.css",
    "board/board.css",
)
# Gradio may draw an island before studio.js has loaded; studio.js then mounts the ones that exist.
MOUNT = "window.studio && window.studio.mount(element)"

LOGO = """<svg class="ks-mark" viewBox="0 0 20 20" aria-hidden="true">
<path class="ks-mark-a" d="M2 3h9.2L6.8 17H2z"/><path class="ks-mark-b" d="M13.2 3H18v14H8.8z"/></svg>"""

HEADER = f"""<header class="ks ks-header" data-ks="header">
<a class="ks-skip" href="#form-col" data-t="header.skip"></a>
{LOGO}<b class="ks-name" data-t="header.name"></b>
<span class="ks-demo" hidden><span class="ks-pill" role="status" tabindex="0" aria-describedby="ks-leave"
><span class="ks-long" data-t="header.demo"></span><span class="ks-short" data-t="header.demo_short"></span></span
><span class="ks-leave" id="ks-leave" role="tooltip" data-t="header.demo_leave"></span></span>
<span class="ks-gap"></span>
<button class="ks-counts" type="button" hidden></button>
<span class="ks-balance" hidden><b></b> <span data-t="header.credits"></span></span>
<button class="ks-tool ks-lang" type="button" data-t="header.language"
 data-t-label="header.language_label" data-t-title="header.language_label"></button>
<button class="ks-tool ks-scheme" type="button"></button>
<button class="ks-tool ks-keys" type="button" data-t-label="header.keys" data-t-title="header.keys">?</button>
</header>"""

VIEWER = """<section class="ks ks-viewer" data-ks="viewer" data-t-label="viewer.label">
<button class="ks-counts ks-counts-line" type="button" hidden></button>
<div class="ks-now" hidden>
<div class="ks-view"><div class="ks-screen"></div>
<div class="ks-under"></div></div>
<div class="ks-details"></div>
<div class="ks-actions" role="toolbar"></div>
<div class="ks-variants"></div>
</div>
<div class="ks-empty" hidden></div>
</section>"""

BOARD = """<section class="ks ks-board" data-ks="board" data-t-label="board.label">
<div class="ks-bh"><b data-t="board.recent"></b>
<div class="ks-filters" role="group" data-t-label="board.filter" hidden>
<button type="button" data-filter="all" aria-pressed="true" data-t="board.all"></button>
<button type="button" data-filter="active" aria-pressed="false" data-t="board.active"></button>
<button type="button" data-filter="needs" aria-pressed="false"><span data-t="board.needs"></span
><span class="ks-n"></span></button>
</div></div>
<p class="ks-notice" role="status" hidden></p>
<ul class="ks-rows"></ul>
<div class="ks-none" hidden><b></b><p></p></div>
<button class="ks-older" type="button" hidden data-t="board.older"></button>
</section>"""

CHOOSE_LANGUAGE = """(() => { let lang = null;
try { lang = localStorage.getItem('studio.lang') } catch {}
lang = lang in STUDIO.all ? lang : (navigator.language || '').startsWith('zh') ? 'zh' : 'en';
STUDIO.lang = lang; STUDIO.words = STUDIO.all[lang]; document.documentElement.lang = lang; })()"""


def head(*, demo: bool, root: str = "") -> str:
    """Return the HTML of the page's head: words in all languages, the choice of one, style sheets and studio.js."""
    data = {"all": {lang: read_words(lang) for lang in LANGUAGES}, "demo": demo, "root": root}
    inline = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    links = "".join(f'<link rel="stylesheet" href="{root}/static/{name}">' for name in STYLE_SHEETS)
    return (
        f"<script>window.STUDIO = {inline};{CHOOSE_LANGUAGE}</script>{links}"
        f'<script type="module" src="{root}/static/page/studio.js"></script>'
    )


def header() -> gr.HTML:
    """Return the header: logo, demo badge, counts, balance, language, color scheme, keyboard shortcuts."""
    return _island(HEADER, "ks-header")


def viewer() -> gr.HTML:
    """Return the viewer: the selected job's result, or a sample where there is none."""
    return _island(VIEWER, "ks-viewer")


def board() -> gr.HTML:
    """Return the board: every job with its state, newest first."""
    return _island(BOARD, "ks-board")


def _island(skeleton: str, elem_id: str) -> gr.HTML:
    return gr.HTML(
        skeleton, apply_default_css=False, js_on_load=MOUNT, padding=False, elem_id=elem_id
    )
