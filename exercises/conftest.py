"""Makes `pytest exercises/` report by task, and passes each check its module. Nothing to write here."""

from grader.public.fixtures import *  # noqa: F403
