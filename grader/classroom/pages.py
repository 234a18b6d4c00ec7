"""Renders the text cells of notebooks for nbgrader's pages, without what would run in the reader's browser."""

from __future__ import annotations

import re
from html import escape

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
PROTOCOLS = frozenset({"http", "https", "mailto", "data"})
PASTED = re.compile(r"data:image/(png|jpeg|gif);base64,")


def is_allowed(tag: str, name: str, value: str) -> bool:
    """Return whether a tag keeps an attribute: none by which the page's own scripts and styles find their elements.

    A picture that is not in the cell itself would be fetched from wherever its author says, as soon as it is looked at.
    """
    if tag == "img":
        return name in ("alt", "title") or (name == "src" and PASTED.match(value) is not None)
    if tag == "a":
        return name == "title" or (name == "href" and not value.lower().strip().startswith("data:"))
    return (tag, name) == ("td", "align")


class Renderer(IPythonRenderer):
    """Renders Markdown; a picture that the cell does not hold becomes its name, not an error of the whole page."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a picture, or that it is missing."""
        if not url.startswith("attachment:") or self.attachments.get(url.removeprefix("attachment:")):
            return str(super().image(text, url, title))
        return f"<em>(the picture {escape(url.removeprefix('attachment:'))} is missing)</em>"


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """Return a text cell as HTML: nbconvert's filter of this name, with scripts, forms, frames and handlers taken out.

    Args:
        context: of the template; pictures that were pasted into the cell come from it.
        source: the cell's Markdown, a student's.
    """
    attachments = (context.get("cell") or {}).get("attachments", {})
    html = MarkdownWithMath(renderer=Renderer(escape=False, attachments=attachments)).render(source)
    return str(bleach.clean(html, tags=TAGS, attributes=is_allowed, protocols=PROTOCOLS))
