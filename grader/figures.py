"""What the pages draw of a submission beside its result: kept in figures.json, and never part of a grade."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from grader.files import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

FILE_NAME = "figures.json"


@dataclass(frozen=True)
class Raster:
    """A small picture: each value as one of 256 levels from the lowest to the highest.

    Attributes:
        height: in pixels.
        width: in pixels.
        low: the value of level 0.
        high: the value of level 255.
        levels: base64 of height * width bytes, row by row.
    """

    height: int
    width: int
    low: float
    high: float
    levels: str

    @classmethod
    def of(cls, values: Tensor) -> Self:
        """Return the picture of finite values, shape (H, W)."""
        values = values.detach().double()
        low, high = float(values.min()), float(values.max())
        levels = ((values - low) / ((high - low) or 1.0) * 255).round().byte()
        height, width = values.shape
        return cls(height, width, low, high, base64.b64encode(levels.numpy().tobytes()).decode())


@dataclass(frozen=True)
class Comparison:
    """A student's answer on a public example beside the right one.

    Attributes:
        call: the call that was made, as one would write it.
        expected: the right answer.
        got: the student's.
        difference: got - expected; None where the shapes differ.
    """

    call: str
    expected: Raster
    got: Raster
    difference: Raster | None


@dataclass(frozen=True)
class Figures:
    """What there is to draw; what is empty is left out of the page.

    Attributes:
        comparisons: by task id.
        filters: of the trained network's first convolution.
        activations: what each of them makes of the example image, after ReLU.
        confusion: test images by label (row) and answer (column).
        classes: names of the labels.
        curves: metric -> value after each epoch, None where it is not known; as the student's file has it.
        table: the student's own summary of the network.
    """

    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    filters: tuple[Raster, ...] = ()
    activations: tuple[Raster, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    classes: tuple[str, ...] = ()
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    table: str = ""

    def joined(self, other: Figures) -> Figures:
        """Return both together; where both have something to draw, the other's is taken."""
        taken = {f.name: getattr(other, f.name) or getattr(self, f.name) for f in dataclasses.fields(self)}
        return Figures(**{**taken, "comparisons": {**self.comparisons, **other.comparisons}})


def keep_figures(folder: Path, submission_sha256: str, figures: Figures) -> None:
    """Write figures.json of one submission, or remove an old one where there is nothing to draw."""
    if figures == Figures():
        (folder / FILE_NAME).unlink(missing_ok=True)
        return
    document = {"submission_sha256": submission_sha256, **dataclasses.asdict(figures)}
    write_atomically(folder / FILE_NAME, json.dumps(document, separators=(",", ":")) + "\n")


def kept_figures(folder: Path, submission_sha256: str) -> Figures:
    """Return what was kept of just this submission; nothing where the file is missing, damaged or another's."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        document = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        if document.pop("submission_sha256") == submission_sha256:
            return figures_of(document)
    return Figures()


def figures_of(document: dict[str, Any]) -> Figures:
    """Rebuild figures from their document: `dataclasses.asdict`, by way of JSON."""
    return Figures(
        comparisons={
            task: Comparison(
                one["call"],
                Raster(**one["expected"]),
                Raster(**one["got"]),
                None if one["difference"] is None else Raster(**one["difference"]),
            )
            for task, one in document["comparisons"].items()
        },
        filters=tuple(Raster(**raster) for raster in document["filters"]),
        activations=tuple(Raster(**raster) for raster in document["activations"]),
        confusion=tuple(tuple(row) for row in document["confusion"]),
        classes=tuple(document["classes"]),
        curves={name: tuple(values) for name, values in document["curves"].items()},
        table=document["table"],
    )
