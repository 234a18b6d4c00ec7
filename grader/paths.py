"""Where the parts of the kit lie on disk."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ROOT / "exercises"
SOLUTIONS = ROOT / "solutions"
HIDDEN_SUITES = ROOT / "tests" / "hidden"
SAMPLE_CLASS = ROOT / "tests" / "submissions"
DATA = ROOT / "data"
