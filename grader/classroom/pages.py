"""Renders the text cells of notebooks for nbgrader's pages, without what would run in the reader's browser."""

from __future__ import annotations

import bleach
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = frozenset(
    {
        *("a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "hr", "i", "img", "li"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "ul"),
        *("table", "tbody", "td", "th", "thead", "tr"),
    }
)
ATTRIBUTES = {"*": ["id", "class"], "a": ["href", "title"], "img": ["src", "alt", "title"], "td": ["align"]}
PROTOCOLS = frozenset({"http", "https", "mailto", "data"})


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """Return a text cell as HTML: nbconvert's filter of this name, with scripts, forms, frames and handlers taken out.

    Args:
        context: of the template; pictures that were pasted into the cell come from it.
        source: the cell's Markdown, a student's.
    """
    attachments = (context.get("cell") or {}).get("attachments", {})
    html = MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=attachments)).render(source)
    return str(bleach.clean(html, tags=TAGS, attributes=ATTRIBUTES, protocols=PROTOCOLS))
