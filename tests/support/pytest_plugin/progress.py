"""A pytest plugin that writes its progress and its failures to files, for a reader that does not see pytest's output.

`pytest -p progress` with WABA_TEST_PROGRESS, the path of a file that is replaced at each step by one line of text, and
WABA_TEST_FAILURES, the path of a file that each failure is appended to. Either may be missing.
"""

from __future__ import annotations

import os

import pytest


class Progress:
    """The state of one pytest session, written down at each step."""

    def __init__(self, progress: str, failures: str) -> None:
        self.progress, self.failures = progress, failures
        self.total = self.done = self.failed = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.total = len(session.items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        failed = f", {self.failed} failed" if self.failed else ""
        self.write(f"{self.done} of {self.total} tests done{failed}; running {nodeid}")

    def pytest_runtest_logfinish(self) -> None:
        self.done += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed += 1
            if self.failures:
                with open(self.failures, "a", encoding="utf-8") as file:
                    file.write(f"--- {report.nodeid} ({report.when})\n{report.longreprtext}\n\n")

    def pytest_sessionfinish(self) -> None:
        self.write(f"{self.done} of {self.total} tests done, {self.failed} failed")

    def write(self, line: str) -> None:
        if self.progress:
            with open(self.progress, "w", encoding="utf-8") as file:
                file.write(line)


def pytest_configure(config: pytest.Config) -> None:
    # A pytest that a test starts inherits the variables; it must not write to the same files.
    progress, failures = (os.environ.pop(name, "") for name in ("WABA_TEST_PROGRESS", "WABA_TEST_FAILURES"))
    config.pluginmanager.register(Progress(progress, failures), "waba-progress")
