"""Writes what students get: derived stubs, given files and public tests."""

import os
from dataclasses import dataclass
from pathlib import Path

from grader import curriculum, paths
from grader.authoring.stubs import derive_stub, functions_of, not_written
from grader.text import parse_quietly
