"""mkdocs hook: writes the pages of the lesson from solutions/, so that they cannot fall behind it."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")

import torch
from executed_lesson import Lesson, lesson  # beside this file: mkdocs puts its folder on the path
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from exercises.datasets import MNIST5k
from grader.course import course
from lesson.sliding import sliding_kernel

EIGHT = 4003, slice(4, 24)
"""A digit that fills its picture, and the rows and columns that it fills."""

VERTICAL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])

DIALOG = 'data-md-component="search" role="dialog"'

INDEX = """# The lesson

{picture}

{rows}

The code on these pages is that of the stubs: where it says *not written yet*, you write. Below each
demonstration is what it shows once your functions work.
"""

PICTURE = """<figure class="sliding" markdown="0">
<picture>
<source media="(prefers-reduced-motion: reduce)" srcset="still.svg">
<img src="sliding.svg" alt="On the left a handwritten digit with a window of 3 x 3 pixels that moves over it, row by
row; on the right the map that appears, one number for each place: red where the digit's left edges are, blue at its
right edges, white where nothing changes.">
</picture>
<figcaption>A kernel that looks for vertical edges slides over a digit. Each place gives one number of the map on the
right: red where paper turns to ink, blue where ink turns to paper.</figcaption>
</figure>"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures of the lesson."""
    lessons = {module: lesson(module) for module in course().modules}
    contents: dict[str, str] = {"index.md": _index(lessons), **_sliding()}
    for module, page in lessons.items():
        contents[f"{module}.md"] = page.markdown
        contents |= page.pictures
    for name, content in contents.items():
        files.append(File.generated(config, f"lesson/{name}", content=content))
    return files


def _index(lessons: dict[str, Lesson]) -> str:
    points = {module: sum(t.points for t in course().tasks if t.module == module) for module in lessons}
    rows = ["| lesson | file | points |", "|---|---|---|"]
    rows += [f"| [{page.title}]({m}.md) | `exercises/{m}.py` | {points[m]:g} |" for m, page in lessons.items()]
    return INDEX.format(picture=PICTURE, rows="\n".join(rows))


def _sliding() -> dict[str, str]:
    number, inside = EIGHT
    digit = MNIST5k().data[number][inside, inside].float() / 255
    return {
        "sliding.svg": sliding_kernel(digit, VERTICAL),
        "still.svg": sliding_kernel(digit, VERTICAL, moving=False),
    }


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the theme's search dialog for screen readers, and let keyboards reach code that scrolls."""
    del page, config
    named = output.replace(DIALOG, DIALOG + ' aria-label="Search"')
    return named.replace("<pre><span></span><code>", '<pre tabindex="0"><span></span><code>')
