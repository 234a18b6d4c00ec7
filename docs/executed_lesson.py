"""A lesson as a page to read: its prose, the stubs' code, and what its demonstrations show when they run."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
from dataclasses import dataclass, field
from typing import Any

import jupytext
import latex2mathml.converter
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from grader.paths import SOLUTIONS
from grader.stubs import derive_stub

MATH = re.compile(r"`[^`]*`|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$]+?)\$", re.DOTALL)
SEED = 0


@dataclass(frozen=True)
class Lesson:
    """One page.

    Attributes:
        title: its first heading.
        markdown: the page.
        pictures: name -> SVG of what the page shows.
    """

    title: str
    markdown: str
    pictures: dict[str, str] = field(default_factory=dict)


def lesson(module: str) -> Lesson:
    """Return a module's lesson: code is the stub's, what demonstrations print and draw is the solution's.

    Args:
        module: name of a stub module, as in its file.

    Raises:
        ValueError: if stub and solution do not have the same cells.
    """
    source = (SOLUTIONS / f"{module}.py").read_text(encoding="utf-8")
    shown = jupytext.reads(derive_stub(source, module), fmt="py:percent").cells
    run = jupytext.reads(source, fmt="py:percent").cells
    if len(shown) != len(run):
        raise ValueError(f"lesson {module}: expected as many cells in the stub, {len(run)}, got {len(shown)}.")
    torch.manual_seed(SEED)
    scope: dict[str, Any] = {"__name__": "__main__", "__package__": "solutions"}
    parts: list[str] = []
    pictures: dict[str, str] = {}
    for number, (stub, whole) in enumerate(zip(shown, run, strict=True)):
        if stub.cell_type == "markdown":
            parts.append(with_mathml(stub.source))
            continue
        parts.append(f"```python\n{stub.source}\n```")
        text, figures = _run(whole.source, f"<{module}, cell {number}>", scope)
        if text:
            parts.append(f'```text title="prints"\n{text}\n```')
        for figure in figures:
            name = f"{module}-{len(pictures) + 1}.svg"
            pictures[name] = _svg(figure)
            parts.append(f"![What this demonstration draws: {_caption(figure)}]({name})")
    title = str(shown[0].source).partition("\n")[0].lstrip("# ")
    return Lesson(title, "\n\n".join(parts) + "\n", pictures)


def with_mathml(markdown: str) -> str:
    r"""Replace TeX between dollar signs by MathML, which browsers draw without any script.

    Code between backticks is left alone; ``$$...$$`` becomes a block of its own.
    """

    def convert(found: re.Match[str]) -> str:
        if found["block"] is not None:
            block = str(latex2mathml.converter.convert(" ".join(found["block"].split()), display="block"))
            return block.replace("<math ", '<math tabindex="0" ', 1)  # a wide formula scrolls on a phone
        if found["inline"] is not None:
            return str(latex2mathml.converter.convert(found["inline"]))
        return found[0]

    return MATH.sub(convert, markdown)


def _run(source: str, where: str, scope: dict[str, Any]) -> tuple[str, list[Figure]]:
    """Run a cell of ours; return what it prints and the figures that it leaves open."""
    linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), plt.rc_context({"svg.hashsalt": where, "figure.max_open_warning": 0}):
        exec(compile(source, where, "exec"), scope)  # noqa: S102 - the kit's own solutions
    figures = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    return printed.getvalue().rstrip(), figures


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "lesson"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, facecolor="white")
    return buffer.getvalue()


def _caption(figure: Figure) -> str:
    """Say in words what is drawn: the figure's title, or how many pictures it has and what they are called."""
    title = figure.get_suptitle()
    axes = [ax for ax in figure.axes if ax.get_visible() and ax.axison]
    names = [text for ax in axes for text in (ax.get_title(), ax.get_ylabel()) if text]
    return title or f"{len(axes)} pictures" + (f", called {', '.join(dict.fromkeys(names))}" if names else "")
