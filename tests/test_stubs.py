"""Stubs are derived from solutions, released, and checked against manifest and solutions."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from copies import replace_text

from grader import paths
from grader.authoring.agreement import manifest_problems, stub_problems
from grader.authoring.release import release_stubs
from grader.bodies import body_hashes, names_used
from grader.course import course
from grader.stubs import derive_stub, holds_work

LESSON = '''# %% [markdown]
# # A lesson

# %%
"""Of adding."""

import math

### BEGIN SOLUTION
SECRET = math.pi
### END SOLUTION


def add(first: int, second: int) -> int:
    """Add two numbers."""
    ### BEGIN SOLUTION
    result = first + second
    return result
    ### END SOLUTION


class Adder:
    """Adds."""

    def add(self, number: int) -> int:
        """Add a number."""
        given = number
        ### BEGIN SOLUTION
        return self.helper(given)
        ### END SOLUTION

    ### BEGIN SOLUTION
    def helper(self, number: int) -> int:
        return number
    ### END SOLUTION


if __name__ == "__main__":
    print(add(1, 2))
'''

STUB = '''# %% [markdown]
# # A lesson

# %%
"""Of adding."""

import math


def add(first: int, second: int) -> int:
    """Add two numbers."""
    # TODO: your code here
    raise NotImplementedError("add is not written yet: exercises/adding.py")


class Adder:
    """Adds."""

    def add(self, number: int) -> int:
        """Add a number."""
        given = number
        # TODO: your code here
        raise NotImplementedError("Adder.add is not written yet: exercises/adding.py")


if __name__ == "__main__":
    print(add(1, 2))
'''


def test_a_stub_keeps_all_but_the_solution() -> None:
    assert derive_stub(LESSON, "adding") == STUB


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    ### END SOLUTION\n\n\nclass", "\n\nclass", "line 27: expected markers in pairs"),
        ("    ### BEGIN SOLUTION\n    result", "    result", "line 18: expected markers in pairs"),
        ("        return number\n    ### END SOLUTION\n", "        return number\n", "got the end of the file"),
        ("    ### BEGIN SOLUTION\n    result", "    # BEGIN SOLUTION\n    result", "line 16: expected '### BEGIN"),
        ("    result = first + second\n    return result\n", "", "line 16: expected code between the markers"),
        ("    result = first", "    result == = first", "line 17: expected Python"),
    ],
    ids=["not closed", "not opened", "end of file", "misspelt", "empty", "no Python"],
)
def test_markers_that_do_not_pair_up_name_their_line(old: str, new: str, words: str) -> None:
    assert old in LESSON
    lesson = LESSON.replace(old, new)
    with pytest.raises(ValueError, match=r"^solutions/adding\.py") as caught:
        derive_stub(lesson, "adding")
    assert words in str(caught.value)


def test_a_marker_in_a_string_is_ignored() -> None:
    lesson = 'NOTE = """\n### BEGIN SOLUTION\n"""\n'
    assert derive_stub(lesson, "adding") == lesson


def test_the_stub_must_be_valid_python() -> None:
    lesson = "if True:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION\n"
    with pytest.raises(ValueError, match="expected Python"):
        derive_stub(lesson, "adding")


@pytest.mark.parametrize("module", course().modules)
def test_the_committed_stubs_are_the_derived_ones(module: str) -> None:
    solution = (paths.SOLUTIONS / f"{module}.py").read_text(encoding="utf-8")
    assert (paths.EXERCISES / f"{module}.py").read_text(encoding="utf-8") == derive_stub(solution, module)


def test_a_stub_differs_from_its_solution_in_every_symbol_of_its_tasks() -> None:
    for task in course().tasks:
        texts = [
            (folder / f"{task.module}.py").read_text(encoding="utf-8") for folder in (paths.EXERCISES, paths.SOLUTIONS)
        ]
        stub, solution = map(body_hashes, texts)
        assert all(stub[symbol] != solution[symbol] for symbol in task.symbols), task.id


# agreement


@pytest.fixture
def kit(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the solutions and the exercises, to break."""
    for folder in (paths.SOLUTIONS, paths.EXERCISES):
        shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    return tmp_path / "solutions", tmp_path / "exercises"


HINTED = [dataclasses.replace(task, hints=("Think.",)) for task in course().tasks]


def test_the_kit_agrees_with_itself() -> None:
    assert stub_problems(tasks=HINTED) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda s, e: replace_text(e / "summary.py", "# TODO", "# TO DO"), "exercises/summary.py, line"),
        (
            lambda s, e: replace_text(e / "convolution.py", "def convolve(image", "def convolve(picture"),
            "the signature convolve(image",
        ),
        (
            lambda s, e: replace_text(e / "convolution.py", '"""Cross-correlate one', '"""Slide one'),
            "docstring for convolve",
        ),
        (
            lambda s, e: replace_text(e / "model.py", "class FashionCNN(pl.LightningModule)", "class FashionCNN"),
            "signature FashionCNN",
        ),
        (lambda s, e: (e / "model.py").unlink(), "exercises/model.py: expected a file"),
        (lambda s, e: (s / "model.py").unlink(), "solutions/model.py: expected a file"),
        (lambda s, e: (e / "model.py").write_text("def f(:\n"), "line 1: expected Python"),
        (lambda s, e: replace_text(s / "model.py", "### END SOLUTION", ""), "expected markers in pairs"),
        (
            lambda s, e: replace_text(s / "summary.py", "def freeze(", "def freeze_it("),
            "expected freeze for the task freeze",
        ),
    ],
    ids=["edited", "signature", "docstring", "base", "no stub", "no solution", "no Python", "marker", "symbol"],
)
def test_a_disagreement_is_reported(kit: tuple[Path, Path], damage: Callable[[Path, Path], object], words: str) -> None:
    damage(*kit)
    problems = stub_problems(*kit, tasks=HINTED)
    assert any(words in problem for problem in problems), problems


def test_a_task_without_its_own_block_is_reported(kit: tuple[Path, Path]) -> None:
    solution = kit[0] / "summary.py"
    start = solution.read_text(encoding="utf-8").index("def freeze(")
    text = solution.read_text(encoding="utf-8")
    tail = text[start:].replace("### BEGIN SOLUTION", "# given", 1).replace("### END SOLUTION", "# until here", 1)
    solution.write_text(text[:start] + tail, encoding="utf-8")
    assert any("expected a solution block in freeze" in problem for problem in stub_problems(*kit, tasks=HINTED))


@pytest.mark.parametrize("place", ["test_convolution.py", "train.py", "convolution.py"])
def test_a_leaked_solution_line_is_reported(kit: tuple[Path, Path], place: str) -> None:
    solutions, exercises = kit
    line = next(
        line.strip()
        for line in (solutions / "convolution.py").read_text(encoding="utf-8").split("\n")
        if "einsum(" in line
    )
    with (exercises / place).open("a", encoding="utf-8") as file:
        file.write(f"\n# {line.replace(' ', '  ')}\n")
    problems = stub_problems(solutions, exercises, tasks=HINTED)
    assert any(place in problem and "expected nothing that only graders know" in problem for problem in problems)


def test_a_hint_must_not_hold_a_solution_line() -> None:
    line = "result += kernel[a, b] * image[a : a + rows, b : b + columns]"
    first, *others = HINTED
    (problem,) = stub_problems(tasks=[dataclasses.replace(first, hints=("Think.", f"Try `{line}`.")), *others])
    assert problem.startswith(f"the hints for {first.id}:2: expected nothing that only graders know")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hints": ()}, "expected hints for convolve"),
        ({"hints": ("Think.", " ")}, "expected hints for convolve"),
        ({"id": "output_size"}, "expected every task id once"),
        ({"needs": ("summarize",)}, "to need earlier tasks, got summarize"),
    ],
    ids=["no hint", "empty hint", "twice", "needs a later one"],
)
def test_a_wrong_manifest_is_reported(change: dict[str, object], words: str) -> None:
    tasks = [dataclasses.replace(task, **change) if task.id == "convolve" else task for task in HINTED]
    assert any(words in problem for problem in manifest_problems(tasks))


# release


def test_release_writes_once(tmp_path: Path) -> None:
    first = release_stubs(tmp_path)
    assert {path.name for path in first.written} >= {"convolution.py", "datasets.py", "conftest.py", "test_model.py"}
    assert not (tmp_path / "exercises" / "fashion_cnn.safetensors").exists()
    second = release_stubs(tmp_path)
    assert (second.written, second.kept) == ([], [])
    assert len(second.unchanged) == len(first.written)


def test_release_refreshes_a_stub_but_keeps_work(tmp_path: Path) -> None:
    release_stubs(tmp_path)
    stub, work = tmp_path / "exercises" / "summary.py", tmp_path / "exercises" / "convolution.py"
    replace_text(stub, "# TODO", "# LATER")
    shutil.copy(paths.SOLUTIONS / "convolution.py", work)
    release = release_stubs(tmp_path)
    assert (release.written, release.kept) == ([stub], [work])
    assert work.read_bytes() == (paths.SOLUTIONS / "convolution.py").read_bytes()


def test_unparsable_text_is_work(tmp_path: Path) -> None:
    path = tmp_path / "convolution.py"
    assert not holds_work(path, "")
    path.write_text("def convolve(:\n")
    assert holds_work(path, "")


def test_code_above_the_line_of_the_stub_is_work(tmp_path: Path) -> None:
    release_stubs(tmp_path)
    path = tmp_path / "exercises" / "convolution.py"
    line = '    raise NotImplementedError("output_size'
    replace_text(path, line, f"    return 3\n{line}")
    assert release_stubs(tmp_path).kept == [path]
    assert "return 3" in path.read_text(encoding="utf-8")


def test_a_replaced_stub_leaves_a_copy(tmp_path: Path) -> None:
    release_stubs(tmp_path)
    path = tmp_path / "exercises" / "convolution.py"
    replace_text(path, "import torch\n", "import torch\n\nMY_NOTES = 'pad first'\n")
    assert release_stubs(tmp_path).written == [path]
    assert "MY_NOTES" not in path.read_text(encoding="utf-8")
    [backup] = (tmp_path / "exercises" / ".backups").iterdir()
    assert "MY_NOTES" in backup.read_text(encoding="utf-8")


# fingerprints


def test_a_fingerprint_sees_what_a_body_does_and_nothing_else() -> None:
    plain = body_hashes("def f(a):\n    return a\n")
    dressed = body_hashes('async def g(): pass\ndef f(a: int) -> int:\n    """Doc."""\n    # note\n    return (a)\n')
    assert plain["f"] == dressed["f"]
    assert plain["f"] != body_hashes("def f(a):\n    return -a\n")["f"]
    assert set(body_hashes(STUB)) == {"add", "Adder.add"}


@pytest.mark.parametrize("body", ["pass", "...", '"Doc."', "return", "return None", "raise NotImplementedError('f')"])
def test_bodies_that_do_nothing_equal_the_stub(body: str) -> None:
    stub = body_hashes('def f(a):\n    """Doc."""\n    raise NotImplementedError("Implement f: a task")\n')
    assert body_hashes(f"def f(a):\n    {body}\n") == stub
    assert body_hashes(f"def f(a):\n    a += 1\n    {body}\n") != stub


@pytest.mark.parametrize("body", ["return 0", "return a", "raise ValueError", "yield", "print()"])
def test_bodies_that_do_something_do_not(body: str) -> None:
    assert body_hashes(f"def f(a):\n    {body}\n") != body_hashes("def f(a):\n    pass\n")


def test_the_last_definition_counts() -> None:
    twice = "class A:\n    def f(self): return 1\n    def g(self): return 1\nclass A:\n    def f(self): return 2\n"
    assert body_hashes(twice) == body_hashes("class A:\n    def f(self): return 2\n")


@pytest.mark.parametrize("source", ["def f(:", "\0", "(" * 10_000, "-" * 100_000 + "1", "x = '\ud800'"])
def test_no_text_breaks_the_fingerprints(source: str) -> None:
    with pytest.raises((SyntaxError, ValueError, RecursionError, MemoryError)):
        body_hashes(source)


def test_names_that_functions_use_indirectly_are_found() -> None:
    source = """
def direct(x): return helper(x) + 1
def helper(x): return through(x)
def through(x): return direct(x) if x else torch.zeros(1)
def apart(x): return x.helper
class Model:
    def forward(self, x): return helper(x)
"""
    used = names_used(source, {"direct", "apart", "Model.forward", "absent"})
    assert used == {
        "direct": ["direct", "helper", "through", "torch", "x"],
        "apart": ["x"],
        "Model.forward": ["direct", "helper", "through", "torch", "x"],
    }
