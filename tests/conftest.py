"""What every test run shares: reports that a test wants a person to read stand in the summary, whichever process ran the test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

REPORT = "report for people"


@pytest.fixture
def for_people(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Shows a text in the terminal summary."""
    return lambda text: record_property(REPORT, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    texts = [
        text
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        for name, text in getattr(report, "user_properties", ())
        if name == REPORT and report.when == "call"
    ]
    if texts:
        terminalreporter.section("reports")
        for text in texts:
            terminalreporter.write_line(str(text))
