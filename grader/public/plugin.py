"""The pytest plugin behind `pytest exercises/`: tasks instead of tests, sentences instead of tracebacks."""

import atexit
import contextlib
import gc
import os
import threading
from collections import Counter
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from grader.checks.failures import NotStarted, WaitsFor, builds_on
from grader.checks.marks import task_of
from grader.course import Task, course
from grader.public import screen
from grader.public.diagnosis import Watched
from grader.public.explain import outcome_of, raised_in, too_slow
from grader.public.memory import Memory
from grader.public.progress import Outcome, TaskProgress, next_task, unwritten_symbols

SECONDS_PER_CHECK = 30.0
WORDS = {
    "green": ("passed", ".", ("GREEN", {"green": True})),
    "failed": ("failed", "F", ("FAILED", {"red": True})),
    "unwritten": ("not started", "-", ("NOT STARTED", {"yellow": True})),
}


def add_options(parser: pytest.Parser) -> None:
    """Add the options of `pytest exercises/`."""
    group = parser.getgroup("exercises")
    group.addoption("--all", action="store_true", dest="every_failure", help="show all failures, not just one")
    group.addoption("--traceback", action="store_true", dest="short_traceback", help="show where it went wrong")
    group.addoption("--brief", action="store_true", dest="brief", help="leave out what never changes")


class PublicChecks:
    """Orders the public checks by the course, and reports them by task.

    If only these checks run, pytest's own report is turned down; what was typed (`-v`, `--tb`, `-r`, `-W`)
    is honoured. Without `--all`, one thing is shown at a time: what to do next.

    Args:
        config: pytest's.
        folder: with the student's modules and the public checks.
    """

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.progress: dict[str, TaskProgress] = {}
        self.checks: Counter[str] = Counter()
        self.shown: set[str] = set()
        self.messages: set[str] = set()
        self.remark = ""
        self.alone = all(Path(arg.split("::")[0]).resolve().is_relative_to(folder) for arg in config.args)
        self.verbosity: int = config.option.verbose
        self.every = bool(config.getoption("every_failure", False))
        self.brief = bool(config.getoption("brief", False))
        self.live = self.alone and self.verbosity == 0
        if self.alone:
            self._turn_down()

    def _turn_down(self) -> None:
        self.config.pluginmanager.unregister(
            name="hypothesispytest"
        )  # its summary takes a second, and says nothing here
        typed = [str(arg) for arg in self.config.invocation_params.args]
        option = self.config.option
        if self.config.getoption("short_traceback", False):
            option.tbstyle = "short"
        elif not any(arg.startswith(("--tb", "--full-trace", "--showlocals", "--pdb")) or arg == "-l" for arg in typed):
            option.tbstyle = "no"
        if not any(arg.startswith("-r") for arg in typed):
            option.reportchars = ""
        if not any(arg.startswith(("-W", "--pythonwarnings", "-rw")) for arg in typed):
            option.disable_warnings = True
        if self.live:
            option.verbose = -2  # no header, no file names, and no counts of checks, since tasks are counted

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Explain why the first seconds are silent."""
        if self.live and not self.brief and not self.config.option.collectonly:
            self._terminal().write_line("Importing what the exercises need, then looking at each task ...")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the checks into teaching order, let `-k` know the task ids, and start the clock for each."""
        order = {task.id: number for number, task in enumerate(course().tasks)}
        items[:] = [item for item in items if self._task_id(item) in {"", *order}]  # not taught this term
        ours = [item for item in items if self._task_id(item)]
        self.checks.update(self._task_id(item) for item in ours)
        for item in ours:
            item.extra_keyword_matches.add(self._task_id(item))
            self._limit(item)
        items.sort(key=lambda item: order.get(self._task_id(item), -1))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which tasks are about to be checked."""
        counts = Counter(self._task_id(item) for item in session.items)
        for task in course().tasks:
            if counts[task.id]:
                unwritten = unwritten_symbols(self.folder / f"{task.module}.py", task.symbols)
                self.progress[task.id] = TaskProgress(task, counts[task.id], unwritten)
        gc.freeze()  # what is imported by now stays: collecting it again and again takes longer than the checks
        atexit.register(gc.unfreeze)  # some libraries count what is left at the end, and complain

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Write no rows of dots: a line per task follows."""
        if self.live:
            self._terminal()._show_progress_info = False  # noqa: SLF001 - pytest has no public switch for it

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Do not wait for the same endless loop again and again, nor where a task builds on it."""
        progress = self.progress.get(self._task_id(item))
        if progress is None:
            return
        if progress.slow:
            raise NotStarted("not run: an earlier check of this task took too long")
        if endless := self._endless(progress.task):
            raise WaitsFor(endless)

    def _endless(self, task: Task) -> str:
        """Return the id of a task that this one builds on and that does not end, or nothing."""
        for need in task.needs:
            if need in self.progress and self.progress[need].slow:
                return need
            if found := self._endless(course().task(need)):
                return found
        return ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach its outcome for the task to each report."""
        report = yield
        task_id = self._task_id(item)
        if task_id and (report.when == "call" or not report.passed):
            outcome = self._outcome(item, call, course().task(task_id), report)
            report.__dict__["public"] = {"task": task_id, "outcome": asdict(outcome)}
            if outcome.kind == "unwritten":
                report.outcome = "skipped"
                report.longrepr = (str(item.path), 0, outcome.message)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the outcome."""
        found = getattr(report, "public", None)
        if found:
            self.progress[found["task"]].outcomes.append(Outcome(**found["outcome"]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """Name the outcome: unwritten code is not started, neither skipped nor failed."""
        found = getattr(report, "public", None)
        if not found:
            return None
        category, letter, word = WORDS[found["outcome"]["kind"]]
        return (category, "", "") if self.live else (category, letter, word)

    def pytest_runtest_logfinish(self) -> None:
        """Show each task as soon as its checks are done."""
        if self.live:
            for progress in self.progress.values():
                if len(progress.outcomes) >= progress.checks:
                    self._show(progress)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Exit with 0 only if every checked task is green, and remember which were for the first time."""
        states = {progress.state for progress in self.progress.values()}
        if session.exitstatus == pytest.ExitCode.OK and self._ran() and states != {"green"}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._remember()
        if self.config.getoption("short_traceback", False) and not self.every:
            self._keep_one_traceback()

    def pytest_terminal_summary(self) -> None:
        """Report progress and what is next."""
        if not self._ran():
            return
        for progress in self.progress.values():
            if progress.outcomes and (
                self.verbosity >= 0 or progress.state in ("partial", "failed", "unfinished", "waiting")
            ):
                self._show(progress)
        if not self.live or self.config.option.tbstyle != "no":
            self._terminal().write_line("")
        self._close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """If no signal can stop a check (Windows), end the run, but say so first."""
        task_id = self._task_id(item)
        if not task_id or settings.method != "thread":
            return None
        timer = threading.Timer(settings.timeout, self._give_up, (task_id, settings.timeout))
        timer.daemon = True
        item.stash[TIMER] = timer
        timer.start()
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> bool | None:
        """Stop the clock that `pytest_timeout_set_timer` started."""
        timer = item.stash.get(TIMER, None)
        if timer is None:
            return None
        timer.cancel()
        return True

    def _give_up(self, task_id: str, limit: float) -> None:
        capture = self.config.pluginmanager.getplugin("capturemanager")
        if capture is not None:
            capture.suspend_global_capture(in_=True)
        progress = self.progress[task_id]
        message = too_slow(progress.task, limit)
        progress.outcomes.append(
            Outcome("failed", f"{message} On this computer that ends the whole run: later tasks were not checked.")
        )
        self._show(progress)
        self._terminal().write_line("")
        self._close()
        self._terminal().flush()
        os._exit(int(pytest.ExitCode.TESTS_FAILED))

    def _limit(self, item: pytest.Item) -> None:
        """Give a check its time, unless a limit was typed or is set on the check."""
        has_timer = self.config.pluginmanager.hasplugin("timeout")
        if has_timer and self.config.getoption("timeout", None) is None and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SECONDS_PER_CHECK))

    def _outcome(
        self, item: pytest.Item, call: pytest.CallInfo[None], task: Task, report: pytest.TestReport
    ) -> Outcome:
        if call.excinfo is None:
            said = dict(report.user_properties)
            return Outcome("green", note=str(said.get("note", "")), share=float(str(said.get("share", 1.0))))
        marker = item.get_closest_marker("timeout")
        typed = self.config.getoption("timeout", None)
        limit = marker.args[0] if marker and marker.args else typed or SECONDS_PER_CHECK
        modules = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Watched)]
        calls = [made for module in modules for made in module.calls]
        error = call.excinfo.value
        outcome = outcome_of(error, task, self.folder, float(limit), calls)
        helper = self._wrong_helper(task, raised_in(error, self.folder))
        if outcome.kind == "failed" and helper is not None:
            return Outcome(
                "unwritten", builds_on(task.id, [raised_in(error, self.folder)], helper.id), waits_for=helper.id
            )
        return outcome

    def _wrong_helper(self, task: Task, function: str) -> Task | None:
        """Return another task that a function belongs to, if that is known to be wrong."""
        others = (one.task for one in self.progress.values() if one.task.id != task.id and one.state == "failed")
        return next((one for one in others if one.module == task.module and function in one.symbols), None)

    def _task_id(self, item: pytest.Item) -> str:
        """Return the task of a check of ours, or nothing."""
        return task_of(item) if item.path.parent == self.folder else ""

    def _ran(self) -> bool:
        return any(progress.outcomes for progress in self.progress.values())

    def _show(self, progress: TaskProgress) -> None:
        if progress.task.id not in self.shown:
            new_module = progress.task.module not in {course().task(shown).module for shown in self.shown}
            self.shown.add(progress.task.id)
            screen.write_task(self._terminal(), progress, self._message(progress, new_module), new_module=new_module)

    def _message(self, progress: TaskProgress, new_module: bool) -> str:
        """Return what is shown below the line of a task; failures come at the end, unless all are requested."""
        message = progress.message
        if not self.every and progress.state != "green":
            return ""
        said = message in self.messages and not new_module
        self.messages.add(message)
        return "as above" if said and message else message

    def _remember(self) -> None:
        """Note which tasks are green for the first time, with all of their checks."""
        whole = not any("::" in arg for arg in self.config.args)
        states = {
            task_id: (progress.state, progress.task.module)
            for task_id, progress in self.progress.items()
            if whole and progress.outcomes and progress.checks == self.checks[task_id]
        }
        with contextlib.suppress(OSError):  # a folder that cannot be written to is no reason to fail
            memory = Memory.load(self.folder)
            self.remark = memory.remark
            memory.note(states)

    def _close(self) -> None:
        terminal, progress = self._terminal(), list(self.progress.values())
        screen.write(terminal, self.remark)
        screen.write_closing(terminal, progress, self.folder, every=self.every, brief=self.brief)

    def _keep_one_traceback(self) -> None:
        """Leave only one of our failures in pytest's own report, the next one to fix; the student's own tests stay."""
        following = next_task(list(self.progress.values()))
        stats = self._terminal().stats
        failed = stats.get("failed", [])
        ours = [r for r in failed if hasattr(r, "public")]
        kept = [r for r in ours if following and r.public["task"] == following.task.id][:1]
        stats["failed"] = [r for r in failed if r not in ours or r in kept]

    def _terminal(self) -> pytest.TerminalReporter:
        reporter: pytest.TerminalReporter = self.config.pluginmanager.getplugin("terminalreporter")
        return reporter


TIMER = pytest.StashKey[threading.Timer]()
