"""Run the project's tests: ``.venv/bin/python tests/run.py [STAGE ...]``, without a name the stages that `make test` stands for.

The output of each stage goes to .build/logs/STAGE.log; its failures are printed, and again at the end.
Every half minute a line names what runs. The last line counts stages.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from environments import BUILD, ROOT, Unavailable
from stages import STAGES, Command

LOGS = BUILD / "logs"
PRINTED_LINES = 80
INTERVAL = 30  # seconds between two lines of progress
PYTEST_RESULT = re.compile(r" (PASSED|FAILED|ERROR|SKIPPED) (\S+::\S+)")
PLAYBOOK_STEP = re.compile(r"^(TASK|RUNNING HANDLER) \[(.+?)\] \*", re.MULTILINE)


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(STAGES))
    if unknown:
        print(f"No such stage: {', '.join(unknown)}. The stages are: {', '.join(STAGES)}.")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    chosen = names or [name for name, stage in STAGES.items() if not stage.by_name]
    results = {name: run(name, f"[{number}/{len(chosen)}] {name}") for number, name in enumerate(chosen, 1)}
    for result in ("not run", "failed, as it may", "failed"):
        listed = [name for name, given in results.items() if given == result]
        if listed:
            print(f"{result.capitalize()}: {', '.join(listed)}")
    for name, result in results.items():  # again, since a long output hides them
        if result == "failed":
            print_failure(LOGS / f"{name}.log")
    failed = list(results.values()).count("failed")
    print(f"{list(results.values()).count('passed')} passed, {failed} failed")
    return bool(failed)


def run(name: str, title: str) -> str:
    """Run a stage; return "passed", "failed", "failed, as it may" or "not run". title: how it is called in the output."""
    log, began = LOGS / f"{name}.log", time.monotonic()
    print(f"{title}: started, {log.relative_to(ROOT)}", flush=True)
    try:
        passed = execute(prepare(name, title, began), log, title, began)
    except Unavailable as reason:
        print(f"{title}: NOT RUN, {reason}", flush=True)
        return "not run"
    except subprocess.CalledProcessError as error:
        print(f"{title}: its preparation failed: {error}", flush=True)
        passed = False
    if not passed:
        print_failure(log)
    print(f"{title}: {'passed' if passed else 'FAILED'} after {time.monotonic() - began:.0f} s", flush=True)
    if passed:
        return "passed"
    return "failed, as it may" if STAGES[name].may_fail else "failed"


def prepare(name: str, title: str, began: float) -> Command:
    """Return the command of a stage, with a line of progress while it is prepared. Raises what `Stage.prepare` raises."""
    with ThreadPoolExecutor(1) as pool:
        command = pool.submit(STAGES[name].prepare)
        while not wait([command], INTERVAL).done:
            print(f"{title}: {time.monotonic() - began:.0f} s, preparing its environment", flush=True)
        return command.result()


def execute(command: Command, log: Path, title: str, began: float) -> bool:
    """Run a stage's command with a line of progress every half minute; return whether it passed."""
    progress, failures = log.with_suffix(".progress"), log.with_suffix(".failures")
    for former in (progress, failures):
        former.unlink(missing_ok=True)
    variables = {"WABA_TEST_PROGRESS": str(progress), "WABA_TEST_FAILURES": str(failures)}
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env={**command.environment(), **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        while not ended(process, INTERVAL):
            print(
                f"{title}: {time.monotonic() - began:.0f} s, {current_step(text_of(log), text_of(progress))}",
                flush=True,
            )
    # ansible-test ends well when it has no Python to run a test with.
    return process.returncode == 0 and "All targets skipped" not in text_of(log)


def ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Return whether the process ends within some seconds from now."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def current_step(log: str, progress: str) -> str:
    """Return what a stage is doing: the test that runs, the task of a playbook, or the last line of its log.

    progress: what the plugin tests/support/pytest_plugin/progress.py wrote, "" before the first test.
    """
    if "; running " in progress:
        return progress
    tasks = PLAYBOOK_STEP.findall(log)
    if tasks:
        return f"{len(tasks)} tasks done; running {tasks[-1][1]}"
    finished = PYTEST_RESULT.findall(log)
    if finished:  # ansible-test, whose pytest does not load the plugin
        percent = re.findall(r"\[ *(\d+)%\]", log)
        return f"{len(finished)} tests done{f' ({percent[-1]} %)' if percent else ''}; the last is {finished[-1][1]}"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:120] if lines else "no output so far"


def print_failure(log: Path) -> None:
    """Print the failures of a stage's tests, or the end of its log."""
    failures = text_of(log.with_suffix(".failures"))
    text = failures or "\n".join(text_of(log).replace("\\n", "\n").splitlines()[-PRINTED_LINES:])
    print("\n".join(f"    {line}" for line in text.splitlines()), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
