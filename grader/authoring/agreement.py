"""Finds where manifest, solutions and committed stubs disagree, and solution lines that students would get to see."""

import ast
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from grader import paths
from grader.authoring.leaks import solution_secrets, squeeze
from grader.checking.suites import Check
from grader.course import Task, course
from grader.stubs import derive_stub, functions_of, not_written


def stub_problems(
    solutions: Path = paths.SOLUTIONS,
    exercises: Path = paths.EXERCISES,
    tasks: Sequence[Task] | None = None,
) -> list[str]:
    """Check that stubs, solutions and manifest tell one story.

    Args:
        solutions: folder of the solutions.
        exercises: folder of the committed stubs and of all else that students get.
        tasks: the manifest; by default the kit's own.

    Returns:
        One sentence per problem; empty if all is well.
    """
    tasks = course().tasks if tasks is None else tasks
    problems = manifest_problems(tasks)
    for module in dict.fromkeys(task.module for task in tasks):
        problems += _module_problems(module, solutions, exercises, [task for task in tasks if task.module == module])
    hints = [(f"the hints for {task.id}", hint) for task in tasks for hint in task.hints]
    return problems + leak_problems(solutions, sorted(exercises.glob("*.py")), hints)


def manifest_problems(tasks: Sequence[Task]) -> list[str]:
    """Check the list of tasks itself: unique ids, hints, needs that come earlier."""
    problems = []
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            problems.append(f"course.toml: expected every task id once, got {task.id} again.")
        if not task.hints or not all(hint.strip() for hint in task.hints):
            problems.append(f"course.toml: expected hints for {task.id}, got {len(task.hints)} hints, or an empty one.")
        problems += [
            f"course.toml: expected {task.id} to need earlier tasks, got {need}."
            for need in task.needs
            if need not in seen
        ]
        seen.add(task.id)
    return problems


def leak_problems(solutions: Path, files: Iterable[Path], texts: Iterable[tuple[str, str]] = ()) -> list[str]:
    """Look for solution lines in what students get.

    Args:
        solutions: folder of the solutions.
        files: text files that students get.
        texts: more of it, as pairs of a name and a text.

    Returns:
        One sentence per line that leaks and place where it does.
    """
    secrets = solution_secrets(solutions)
    handed_out = [(str(file), file.read_text(encoding="utf-8", errors="replace")) for file in files]
    problems = []
    for name, text in [*handed_out, *texts]:
        squeezed = squeeze(text)
        problems += [
            f"{name}: expected no line of a solution, got {secret.shown!r} ({secret.origin})."
            for secret in secrets
            if secret.text in squeezed
        ]
    return problems


def refusal_problems(
    checks: Iterable[Check], solutions: Path = paths.SOLUTIONS, asked: Container[str] | None = None
) -> list[str]:
    """Compare what docstrings say is refused with what is checked, both ways.

    A docstring says it as ``ValueError: for a stride below 1; for a negative padding.``; tasks that share a class share
    its docstrings.

    Args:
        checks: the hidden checks.
        solutions: folder of the solutions.
        asked: ids of the tasks that are compared; all if None.
    """
    checked: dict[str, set[str]] = defaultdict(set)
    for check in checks:
        if check.kind == "refusal":
            checked[check.task].add(check.name.removeprefix("refuses "))
    groups: dict[frozenset[tuple[str, str]], list[Task]] = defaultdict(list)
    for task in course().tasks:
        groups[frozenset((task.module, symbol.partition(".")[0]) for symbol in task.symbols)].append(task)
    problems = []
    for owners, tasks in groups.items():
        if asked is not None and not any(task.id in asked for task in tasks):
            continue
        said = {clause for module, owner in owners for clause in _refused(solutions / f"{module}.py", owner)}
        tried = set().union(*(checked[task.id] for task in tasks))
        names = " and ".join(task.id for task in tasks)
        problems += [f"{names}: expected a check that it refuses {clause!r}, got none." for clause in said - tried]
        problems += [f"{names}: expected 'Raises:' to say {clause!r}, which is checked." for clause in tried - said]
    return sorted(problems)


def _refused(path: Path, owner: str) -> list[str]:
    """Return the clauses of the ``Raises:`` sections of a function, or of a class and its methods."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [node for name, node in functions_of(tree).items() if name.partition(".")[0] == owner]
    documented = [*nodes, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner)]
    clauses = []
    for node in documented:
        _, _, section = (ast.get_docstring(node) or "").partition("\nRaises:\n")
        for kind in re.split(r"\n    (?=\w+: )", "\n" + section.partition("\n\n")[0])[1:]:
            text = " ".join(kind.partition(": ")[2].split()).removesuffix(".")
            clauses += [clause.removeprefix("for ") for clause in text.split("; ")]
    return clauses


def _module_problems(module: str, solutions: Path, exercises: Path, tasks: Sequence[Task]) -> list[str]:
    texts = []
    for path in (solutions / f"{module}.py", exercises / f"{module}.py"):
        if not path.is_file():
            return [f"{path.parent.name}/{module}.py: expected a file, got none."]
        texts.append(path.read_text(encoding="utf-8"))
    solution, committed = texts
    try:
        derived = derive_stub(solution, module)
    except ValueError as error:
        return [str(error)]
    problems = _frame_problems(f"exercises/{module}.py", derived, solution)
    problems += _symbol_problems(module, derived, solution, tasks)
    if committed != derived:
        problems += _difference(module, committed, derived)
    return problems


def _difference(module: str, committed: str, derived: str) -> list[str]:
    """Name the first line that differs, and the signatures and docstrings that do."""
    where = f"exercises/{module}.py"
    rows = zip(committed.split("\n"), derived.split("\n"), strict=False)
    line = next(
        (n for n, (got, wanted) in enumerate(rows, 1) if got != wanted),
        min(committed.count("\n"), derived.count("\n")) + 1,
    )
    remedy = "Run `grader release --stubs --to .`"
    problems = [
        f"{where}, line {line}: expected the stub derived from solutions/{module}.py, got another text. {remedy}"
    ]
    try:
        ast.parse(committed)
    except SyntaxError as error:
        return [*problems, f"{where}, line {error.lineno}: expected Python, got {error.msg}."]
    return problems + _frame_problems(where, committed, derived)


def _frame_problems(where: str, stub: str, source: str) -> list[str]:
    """Compare the signatures and docstrings of the functions and classes in a stub with those in `source`."""
    frames, wanted = _frames(stub), _frames(source)
    problems = [
        f"{where}: expected nothing but the solution's names, got {name}." for name in frames.keys() - wanted.keys()
    ]
    for name in frames.keys() & wanted.keys():
        (signature, docstring), (right_signature, right_docstring) = frames[name], wanted[name]
        if signature != right_signature:
            problems.append(f"{where}: expected the signature {name}{right_signature}, got {name}{signature}.")
        if docstring != right_docstring:
            problems.append(f"{where}: expected the solution's docstring for {name}, got another one.")
    return sorted(problems)


def _frames(source: str) -> dict[str, tuple[str, str | None]]:
    """Return signature and docstring of each function, method and class."""
    tree = ast.parse(source)
    frames = {
        name: (
            f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else None}",
            ast.get_docstring(node, clean=False),
        )
        for name, node in functions_of(tree).items()
    }
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            frames[node.name] = (f"({bases})", ast.get_docstring(node, clean=False))
    return frames


def _symbol_problems(module: str, stub: str, solution: str, tasks: Sequence[Task]) -> list[str]:
    """Check that what a task asks for stands in the solution, and as unwritten in the stub."""
    in_stub, in_solution = functions_of(ast.parse(stub)), functions_of(ast.parse(solution))
    problems = []
    for task in tasks:
        for symbol in task.symbols:
            if symbol not in in_solution:
                problems.append(f"solutions/{module}.py: expected {symbol} for the task {task.id}, got none.")
            elif symbol not in in_stub or not_written(symbol, module) not in ast.unparse(in_stub[symbol]):
                problems.append(
                    f"solutions/{module}.py: expected a solution block in {symbol} for the task {task.id}, got none."
                )
            elif not symbol.endswith("__init__") and ast.get_docstring(in_solution[symbol]) is None:
                problems.append(f"solutions/{module}.py: expected a docstring for {symbol}, got none.")
    return problems
