"""Finds where manifest, solutions and committed stubs disagree, and solution lines that students would get to see."""

import ast
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

from grader import paths
from grader.authoring.leaks import Secrets, find_leaks, solution_secrets
from grader.bodies import Function, definitions_of, functions_of
from grader.course import Task, course
from grader.hidden.suites import Check
from grader.stubs import derive_stub, not_written


def stub_problems(
    solutions: Path = paths.SOLUTIONS,
    exercises: Path = paths.EXERCISES,
    tasks: Sequence[Task] | None = None,
) -> list[str]:
    """Check that stubs, solutions and manifest agree.

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
    given = [(f"exercises/{path.name}", path.read_bytes()) for path in sorted(exercises.glob("*.py"))]
    hints = [(f"the hints for {task.id}", "\n".join(task.hints).encode()) for task in tasks]
    return problems + find_leaks([*given, *hints], Secrets(solution_secrets(solutions)))


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
        if asked is None or any(task.id in asked for task in tasks):
            said = {clause for module, owner in owners for clause in _refused(solutions / f"{module}.py", owner)}
            tried = set().union(*(checked[task.id] for task in tasks))
            names = " and ".join(task.id for task in tasks)
            problems += [f"{names}: expected a check that it refuses {clause!r}, got none." for clause in said - tried]
            problems += [f"{names}: expected 'Raises:' to say {clause!r}, which is checked." for clause in tried - said]
    return sorted(problems)


def _refused(path: Path, owner: str) -> list[str]:
    """Return the clauses of the ``Raises:`` sections of a function, or of a class and its methods."""
    clauses = []
    for name, node in definitions_of(ast.parse(path.read_text(encoding="utf-8"))).items():
        if name.partition(".")[0] == owner:
            _, _, section = (ast.get_docstring(node) or "").partition("\nRaises:\n")
            for kind in re.split(r"\n    (?=\w+: )", "\n" + section.partition("\n\n")[0])[1:]:
                text = " ".join(kind.partition(": ")[2].split()).removesuffix(".")
                clauses += [clause.removeprefix("for ") for clause in text.split("; ")]
    return clauses


def _module_problems(module: str, solutions: Path, exercises: Path, tasks: Sequence[Task]) -> list[str]:
    where, files = f"exercises/{module}.py", [folder / f"{module}.py" for folder in (solutions, exercises)]
    for path in files:
        if not path.is_file():
            return [f"{path.parent.name}/{module}.py: expected a file, got none."]
    solution, committed = (path.read_text(encoding="utf-8") for path in files)
    try:
        derived = derive_stub(solution, module)
    except ValueError as error:
        return [str(error)]
    problems = _frame_problems(where, derived, solution) + _symbol_problems(module, derived, solution, tasks)
    if committed == derived:
        return problems
    rows = zip_longest(committed.split("\n"), derived.split("\n"))
    line = next(number for number, (got, wanted) in enumerate(rows, 1) if got != wanted)
    problems.append(
        f"{where}, line {line}: expected the stub derived from solutions/{module}.py, got another text. "
        "Run `grader release --stubs --to .`"
    )
    try:
        return problems + _frame_problems(where, committed, derived)
    except SyntaxError as error:
        return [*problems, f"{where}, line {error.lineno}: expected Python, got {error.msg}."]


def _frame_problems(where: str, stub: str, source: str) -> list[str]:
    """Compare the signatures and docstrings of the functions and classes in a stub with those in `source`."""
    frames, wanted = (definitions_of(ast.parse(text)) for text in (stub, source))
    problems = [
        f"{where}: expected nothing but the solution's names, got {name}." for name in frames.keys() - wanted.keys()
    ]
    for name in frames.keys() & wanted.keys():
        signature, right = _signature(frames[name]), _signature(wanted[name])
        if signature != right:
            problems.append(f"{where}: expected the signature {name}{right}, got {name}{signature}.")
        if ast.get_docstring(frames[name], clean=False) != ast.get_docstring(wanted[name], clean=False):
            problems.append(f"{where}: expected the solution's docstring for {name}, got another one.")
    return sorted(problems)


def _signature(node: Function | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        return f"({', '.join(map(ast.unparse, node.bases))})"
    return f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else None}"


def _symbol_problems(module: str, stub: str, solution: str, tasks: Sequence[Task]) -> list[str]:
    """Check that what a task asks for stands in the solution, and as unwritten in the stub."""
    in_stub, in_solution = functions_of(ast.parse(stub)), functions_of(ast.parse(solution))
    problems = []
    for task in tasks:
        for symbol in task.symbols:
            missing = ""
            if symbol not in in_solution:
                missing = f"{symbol} for the task {task.id}"
            elif symbol not in in_stub or not_written(symbol, module) not in ast.unparse(in_stub[symbol]):
                missing = f"a solution block in {symbol} for the task {task.id}"
            elif not symbol.endswith("__init__") and ast.get_docstring(in_solution[symbol]) is None:
                missing = f"a docstring for {symbol}"
            problems += [f"solutions/{module}.py: expected {missing}, got none."] if missing else []
    return problems
