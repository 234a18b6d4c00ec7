"""`grader release`: what it builds works for students and for nbgrader, and gives nothing away."""

from __future__ import annotations

import ast
import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
import warm
from handout import write_function

from grader import paths
from grader.authoring import nbgrader_course as courses
from grader.authoring.building import build, leaks_below
from grader.authoring.closure import imports_of
from grader.authoring.handout import FOLDER
from grader.authoring.nbgrader_course import build_course, configuration, generate_assignment
from grader.authoring.source_notebooks import source_notebooks
from grader.bodies import functions_of
from grader.course import course
from grader.errors import GraderError
from grader.zips import zipped

PACKAGES = [path for path in sys.path if path.endswith("site-packages")]


@pytest.fixture
def copy(released: Path, tmp_path: Path) -> Path:
    """Return a release that may be changed."""
    return shutil.copytree(released, tmp_path / "to")


def run(
    cwd: Path, *arguments: str, python: str | Path = sys.executable, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [python, *arguments],
        cwd=cwd,
        env=environment | more,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


# the course


def test_the_released_assignment_has_six_notebooks_and_what_they_need(released: Path) -> None:
    assignment = released / "course" / "release" / "cnn"
    names = {path.relative_to(assignment).as_posix() for path in assignment.rglob("*") if path.is_file()}
    assert {f"{module}.ipynb" for module in course().modules} <= names
    assert {"exercises/datasets.py", "exercises/train.py", "exercises/test_model.py", "nbgrader_config.py"} <= names


@pytest.mark.parametrize("module", course().modules)
def test_a_released_cell_is_the_committed_stub(released: Path, module: str) -> None:
    notebook = nbformat.read(released / "course" / "release" / "cnn" / f"{module}.ipynb", as_version=4)
    stub = functions_of(ast.parse((paths.EXERCISES / f"{module}.py").read_text(encoding="utf-8")))
    cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    got = {name: node for cell in cells if cell.cell_type == "code" for name, node in functions(cell.source).items()}
    wanted = {symbol for task in course().tasks if task.module == module for symbol in task.symbols}
    assert got.keys() >= wanted
    assert {name: ast.unparse(node) for name, node in got.items()} == {name: ast.unparse(stub[name]) for name in got}


def functions(source: str) -> dict[str, ast.AST]:
    return dict(functions_of(ast.parse(source)))


def test_the_same_course_is_released_byte_for_byte(copy: Path) -> None:
    assignment = copy / "course" / "release" / "cnn"
    before = {path.name: path.read_bytes() for path in assignment.glob("*.ipynb")}
    generate_assignment(copy / "course")
    assert {path.name: path.read_bytes() for path in assignment.glob("*.ipynb")} == before


def test_the_configuration_names_no_path_of_this_machine(released: Path) -> None:
    text = (released / "course" / "nbgrader_config.py").read_text(encoding="utf-8")
    assert text == configuration()
    assert str(paths.ROOT) not in text
    assert str(released) not in text
    for name in ("GradeInSandbox", "RemoveHiddenRegions", "clearing.ClearSolutions", "exercises/data_module.py"):
        assert name in text


def test_nbgraders_own_message_is_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "source" / "cnn").mkdir(parents=True)
    (tmp_path / "source" / "cnn" / "convolution.ipynb").write_text("no notebook")
    with pytest.raises(GraderError, match=r"(?s)expected release/cnn, got status 1:.*convolution.ipynb.*Error"):
        generate_assignment(tmp_path)


def test_nbgrader_is_not_waited_for_forever(tmp_path: Path) -> None:
    with pytest.raises(GraderError, match=r"expected it to end within 0\.1 s"):
        generate_assignment(tmp_path, seconds=0.1)


def test_an_unfinished_assignment_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def generate(course: Path) -> None:
        nonlocal made
        made += 1
        (course / "release" / "cnn").mkdir(parents=True, exist_ok=True)
        if made in (1, 3):
            raise GraderError("ended half way")

    def build_times(times: int) -> int:
        for _ in range(times):
            with contextlib.suppress(GraderError):
                build_course(tmp_path)
        return made

    monkeypatch.setattr(courses, "generate_assignment", generate)
    assert build_times(3) == 2, "the second is whole, so there is no third"
    shutil.rmtree(tmp_path / "release")
    assert build_times(3) == 4


HERE = """
import json, sys
from pathlib import Path

names = {"__name__": "__main__"}
sys.modules["__main__"].__dict__.update(names)
for cell in json.loads(Path(sys.argv[1]).read_text())["cells"]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "code" and "__main__" not in source and "grader.classroom" not in source:
        try:
            exec(source, names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
print(*(Path(module.__file__).name for name, module in sys.modules.items() if name.startswith("exercises.t")))
"""


def run_cells(work: Path, notebook: str) -> subprocess.CompletedProcess[str]:
    """Run the cells of a notebook, one after another, whatever they raise."""
    (work / "run_cells.py").write_text(HERE, encoding="utf-8")
    return warm.run("run_cells", f"{notebook}.ipynb", cwd=work)


def at_work(released: Path, tmp_path: Path, *solved: str) -> Path:
    """Return an assignment in which some notebooks are solved."""
    work = tmp_path / "cnn"
    shutil.copytree(released / "course" / "release" / "cnn", work)
    for module in solved:
        shutil.copy(released / "course" / "source" / "cnn" / f"{module}.ipynb", work)
    return work


def test_a_notebook_uses_its_neighbour_and_checks_itself(released: Path, tmp_path: Path) -> None:
    work = at_work(released, tmp_path, "data_module", "transforms")
    done = run_cells(work, "data_module")
    assert "data_splits: green, " in done.stdout, done.stdout + done.stderr
    assert "data_loaders: green, " in done.stdout
    assert "transforms.ipynb" in done.stdout


def test_a_module_beside_the_notebooks_wins_over_the_notebook(released: Path, tmp_path: Path) -> None:
    work = at_work(released, tmp_path, "data_module")
    shutil.copy(paths.SOLUTIONS / "transforms.py", work)
    done = run_cells(work, "data_module")
    assert "data_splits: green, " in done.stdout, done.stdout + done.stderr
    assert "transforms.py" in done.stdout


def test_a_check_reports_one_thing_in_a_few_lines(released: Path, tmp_path: Path) -> None:
    work = at_work(released, tmp_path)
    text = source_notebooks()["convolution"]
    right = "return result if bias is None else result + bias[:, None, None]"
    assert right in text
    (work / "convolution.ipynb").write_text(text.replace(right, "return result"), encoding="utf-8")
    done = run_cells(work, "convolution")
    said, also = (line for line in done.stdout.splitlines() if line.startswith("NotGreenError"))
    assert said.startswith("NotGreenError: conv2d with filters of zeros and bias [3, -1]"), done.stdout
    assert also.startswith("NotGreenError: activation_maps with bias"), "it is built on conv2d"
    assert "(ignores-bias)" in also
    assert "convolve: green, 4 of 4 public checks." in done.stdout
    assert "plot_activations: green, " in done.stdout
    assert "Traceback" not in done.stdout


def test_validate_reports_unfinished_tasks(released: Path, tmp_path: Path) -> None:
    work = at_work(released, tmp_path)
    text = (work / "summary.ipynb").read_text(encoding="utf-8")
    stub = 'raise NotImplementedError(\\"count_parameters is not written yet: exercises/summary.py\\")'
    right = "sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]; "
    right += "return sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained)"
    assert stub in text
    (work / "summary.ipynb").write_text(text.replace(stub, right), encoding="utf-8")
    done = warm.run("nbgrader", "validate", "summary.ipynb", cwd=work)
    assert "layer_shapes is not written yet: replace the line that says so in its cell above." in done.stdout, done
    assert 'check_here("freeze")' in done.stdout
    assert 'check_here("count_parameters")' not in done.stdout


# the hand-out


@pytest.fixture(scope="module")
def desk(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked zip, with an environment that has its grader and the libraries, but not the kit."""
    root = tmp_path_factory.mktemp("desk")
    with zipfile.ZipFile(released / "handout.zip") as archive:
        archive.extractall(root)
    folder = root / "cnn-exercises"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True, timeout=120)
    (site,) = folder.glob(".venv/lib/python*/site-packages")
    (site / "a.pth").write_text("\n".join([str(folder), *PACKAGES]) + "\n")
    return folder


def at_desk(desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(desk, *arguments, python=desk / ".venv" / "bin" / "python", COLUMNS="100")


def test_the_hand_out_has_its_part_of_the_grader_and_no_more(desk: Path) -> None:
    modules = [path for path in sorted((desk / "grader").rglob("*.py")) if path.name != "__main__.py"]
    names = [".".join(path.relative_to(desk).with_suffix("").parts).removesuffix(".__init__") for path in modules]
    code = (
        "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]; import grader; print(grader)"
    )
    done = at_desk(desk, "-c", code, *names)
    assert done.returncode == 0, done.stderr
    assert str(desk) in done.stdout
    parts = {name.split(".")[1] for name in names if "." in name}
    assert parts >= {"student", "public", "intake"}
    assert not parts & {
        "authoring",
        "hidden",
        "classroom",
        "misconceptions",
        "reports",
        "sandbox",
        "verbs",
        "grading",
    }


def test_the_hand_out_has_only_the_students_verbs(desk: Path) -> None:
    done = at_desk(desk, "-m", "grader", "--help")
    verbs = [line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines() if line.startswith("  ")]
    assert [verb for verb in verbs if verb.isalpha()] == ["doctor", "hint", "predict", "reset", "submit", "watch"]


def test_a_student_sees_what_is_next_solves_it_and_submits_it(desk: Path) -> None:
    first = at_desk(desk, "-m", "pytest", "exercises", "-k", "output_size")
    assert first.returncode == 1
    assert "Next: output_size, 3 points" in first.stdout, first.stdout + first.stderr
    assert at_desk(desk, "-m", "grader", "hint", "output_size").stdout.startswith("output_size, hint 1 of 3")
    body = "    if kernel_size > size + 2 * padding:\n        raise ValueError\n"
    body += "    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1"
    write_function(desk / "exercises" / "convolution.py", "output_size", body)
    second = at_desk(desk, "-m", "pytest", "exercises", "-k", "output_size")
    assert "1 of 1 tasks green" in second.stdout, second.stdout
    handed_in = at_desk(desk, "-m", "grader", "submit")
    assert "1 of 6 tasks written" in handed_in.stdout, handed_in.stderr
    back = at_desk(desk, "-m", "grader", "reset", "output_size")
    assert "output_size is as it was handed out" in back.stdout, back.stderr


def test_the_doctor_of_the_hand_out_checks_versions_and_data(desk: Path) -> None:
    done = at_desk(desk, "-m", "grader", "doctor")
    assert done.returncode == 0, done.stderr
    assert "train-images-idx3-ubyte.gz" in done.stdout
    assert "missing" not in done.stdout
    assert "Sandbox" not in done.stdout


def test_the_hand_out_declares_the_packages_that_it_imports(released: Path) -> None:
    assert undeclared(released / "handout", "grader", "exercises") == set()


def test_the_kit_declares_the_packages_that_it_imports() -> None:
    assert undeclared(paths.ROOT, "grader", "exercises", "solutions", "docs", "tests", "benchmarks") == set()


def undeclared(root: Path, *folders: str) -> set[str]:
    """Return the packages that modules below a folder import but its pyproject.toml does not name."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.split(r"[><=~! \[]", one)[0].lower() for some in lists for one in some}
    modules = [path for folder in folders for path in (root / folder).rglob("*.py") if "submissions" not in path.parts]
    imported = {name.partition(".")[0] for path in modules for name in imports_of(path)} - {*sys.stdlib_module_names}
    packages = importlib.metadata.packages_distributions()
    return {one.lower() for name in imported for one in packages.get(name, [])} - declared - {project["name"]}


def test_the_hand_out_has_no_solutions_weights_or_history(released: Path) -> None:
    with zipfile.ZipFile(released / "handout.zip") as archive:
        names = [name.removeprefix("cnn-exercises/") for name in archive.namelist()]
    assert {"README.md", "pyproject.toml", ".github/workflows/classroom.yml", ".devcontainer/devcontainer.json"} <= {
        *names
    }
    assert not [name for name in names if name.startswith((".git/", "solutions", "tests", "docs"))]
    assert not [name for name in names if name.endswith((".safetensors", "matrix.html", ".pyc"))]


def test_the_zip_is_the_folder_and_the_same_each_time(released: Path) -> None:
    folder = released / "handout"
    paths_in_it = {path: f"{FOLDER}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*")}
    files = {name: path.read_bytes() for path, name in paths_in_it.items() if path.is_file()}
    assert (released / "handout.zip").read_bytes() == zipped(files)


# and nothing else


def test_a_release_with_a_leak_is_refused(copy: Path) -> None:
    readme, notebook = copy / "handout" / "README.md", copy / "course" / "release" / "cnn" / "model.ipynb"
    readme.write_text("one\nself.train_set = Subset(augmented, order[self.val_size :])\n")
    document = json.loads(notebook.read_text(encoding="utf-8"))
    document["metadata"]["author"] = "takes the padding into account"
    notebook.write_text(json.dumps(document))
    done, leaks = build(copy, lambda _: None)
    assert done.kept == [readme]
    assert [leak.partition(": ")[0] for leak in leaks] == [
        "handout/README.md:2",
        "course/release/cnn/model.ipynb:1",
        "course/release/cnn/model.ipynb:metadata.author:1",
    ]
    assert not (copy / "handout.zip").exists()


def test_a_second_release_writes_nothing(copy: Path) -> None:
    done, leaks = build(copy, lambda _: None)
    assert (done.written, done.kept, leaks) == ([], [], [])
    assert leaks_below(copy) == []
