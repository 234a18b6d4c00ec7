"""Assertions for the public checks: each says what was expected, what came, and what to look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import torch
from torch import Tensor

from grader.public.drawing import draw

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


class NotStarted(Exception):  # it is no error: there is nothing to look at yet
    """Raised by a check that finds nothing to look at; the text says what to do first."""


class Mismatch(AssertionError):
    """An answer is not the expected one.

    Attributes:
        said: what was expected and what came, without the question that follows.
        drawing: the same as a picture in text, or nothing.
    """

    def __init__(self, said: str, hint: str, drawing: str = "") -> None:
        super().__init__(f"{said} {hint}".rstrip() + f"\n{drawing}".rstrip())
        self.said = said
        self.drawing = drawing


def assert_equal(got: object, expected: object, where: str, hint: str = "") -> None:
    """Compare two plain values, their types included: True is not 1, and a list is no tuple.

    Args:
        got: what the student's code returned.
        expected: what it should have returned.
        where: the call, as a student would write it.
        hint: a question or a remedy.
    """
    __tracebackhide__ = True
    same_type = type(got) is type(expected)
    if not same_type or got != expected:
        shown = f"{got!r}" if same_type else f"{got!r} ({type(got).__name__})"
        _fail(f"{where}: expected {expected!r}, got {shown}.", _missing_return(got) or hint)


def assert_tensor(got: object, expected: Tensor, where: str, hint: str = "") -> None:
    """Compare two tensors: type, shape, dtype, then each value.

    Args:
        got: what the student's code returned.
        expected: what it should have returned.
        where: the call, as a student would write it.
        hint: a question or a remedy, for wrong values.
    """
    __tracebackhide__ = True
    if not isinstance(got, Tensor):
        _fail(f"{where}: expected a tensor, got {'None' if got is None else type(got).__name__}.", _missing_return(got))
    if got.shape != expected.shape:
        _fail(f"{where}: expected shape {tuple(expected.shape)}, got {tuple(got.shape)}.", hint)
    if got.dtype != expected.dtype:
        _fail(f"{where}: expected dtype {expected.dtype}, got {got.dtype}.", "")
    tolerance = TOLERANCE.get(expected.dtype, 0)
    wrong = ~torch.isclose(got.detach(), expected, rtol=tolerance, atol=tolerance)
    if wrong.any():
        place = tuple(wrong.nonzero()[0].tolist())
        index = f", at [{', '.join(map(str, place))}]" if place else ""
        right, came = expected[place].item(), got[place].item()
        many = f" ({int(wrong.sum())} of {wrong.numel()} values differ)" if wrong.numel() > 1 else ""
        _fail(f"{where}{index}: expected {right:.6g}, got {came:.6g}{many}.", hint, draw(expected, got, place))


def assert_true(holds: object, message: str) -> None:
    """Fail with a message of the form ``<where>: expected <thing>, got <thing>. <question>`` unless something holds."""
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(message)


@contextmanager
def refused(where: str, *kinds: type[Exception]) -> Iterator[None]:
    """Expect that the code inside raises an error, as it should for bad arguments.

    Args:
        where: the call, as a student would write it, and what is wrong about it.
        kinds: the errors that the docstring promises; what PyTorch and Python raise by themselves is fine, too.
    """
    __tracebackhide__ = True
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except NotImplementedError as error:  # a stub; it is a RuntimeError too
        if "not implemented for" not in str(error):  # what PyTorch says of a dtype
            raise
        return
    except (ValueError, TypeError, RuntimeError, IndexError):
        return
    except Exception as error:
        raise AssertionError(f"{where}: expected {names}, got {type(error).__name__}: {error}") from error
    raise AssertionError(f"{where}: expected {names}, got an answer. Who tells the caller that something is wrong?")


def _missing_return(got: object) -> str:
    return "Is the `return` missing?" if got is None else ""


def _fail(message: str, hint: str, drawing: str = "") -> NoReturn:
    __tracebackhide__ = True
    raise Mismatch(message, hint, drawing)
