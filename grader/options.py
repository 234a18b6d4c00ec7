"""Options that several verbs have."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from grader.course import course


def judging(*others: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the option that says in which ``way`` the course's artefact is judged; without one, that is always "".

    Args:
        *others: values of the option beside the course's own ways.
    """
    artefact = course().artefact
    if artefact is None:
        return lambda command: functools.wraps(command)(functools.partial(command, way=""))
    return click.option(
        f"--{artefact.option}",
        "way",
        type=click.Choice([*artefact.ways, *others]),
        default=artefact.ways[0],
        show_default=True,
        help=artefact.help,
    )
