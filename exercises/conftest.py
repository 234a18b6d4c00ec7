"""Makes `pytest exercises/` speak in tasks, and hands each check the module that it looks at. Nothing to write here."""

from grader.public.fixtures import *  # noqa: F403
