"""Benchmark of the runtime: the same tools behind a Lambda handler, ours against what people use today; never a pass or a fail.

Run by `make bench`. All contenders run in turn, in small blocks, each in fresh processes, so that a slow moment of the machine is a slow
moment of all. Every answer is checked. Absolute figures are this machine's; ratios are of the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import IO, Any, Final

from contenders import BARE, CONTENDERS, OURS, Contender
from rich.console import Console
from rich.table import Table
from traffic import CELLS, PROBES

WORKER: Final = Path(__file__).with_name("worker.py")
ROUNDS: Final = 3
BLOCKS: Final = 20
CALLS: Final = 50
"""Calls of one cell in a block: rounds x blocks x calls are measured, at least a thousand in each process."""
WARM_UP: Final = 100
COLD_RUNS: Final = 9
WIDTH: Final = 116

Figures = dict[str, dict[str, Any]]


class Process:
    """A worker under way, whose output is read by threads as it comes, as a log collector does."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        reading, writing = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), contender.name, str(writing)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[writing],
        )  # fmt: skip
        os.close(writing)
        self._replies = os.fdopen(reading, encoding="utf-8")
        self.audit_records = 0
        self._errors: list[bytes] = []
        self._drains = [
            threading.Thread(target=self._count, args=(self._process.stdout,)),
            threading.Thread(target=self._errors.extend, args=(self._process.stderr,)),
        ]
        for drain in self._drains:
            drain.start()
        self.first = self._reply()

    def ask(self, **command: Any) -> dict[str, Any]:
        if self._process.stdin is None:
            raise AssertionError("started with a pipe")
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return self._reply()

    def end(self) -> None:
        """End and wait. The records of what it did are counted after that."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # a stream that nobody ends keeps some of them alive
            self._process.kill()
            self._process.wait()
        for drain in self._drains:
            drain.join()
        self._replies.close()

    def _reply(self) -> dict[str, Any]:
        line = self._replies.readline()
        if not line:
            self.end()
            sys.exit(f"{self.contender.name} ended:\n{b''.join(self._errors).decode(errors='replace')[-4000:]}")
        found: dict[str, Any] = json.loads(line)
        return found

    def _count(self, stream: IO[bytes]) -> None:
        for line in stream:
            self.audit_records += b'"event":"mcp.request"' in line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="fresh processes of each contender")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, without tables")
    options = parser.parse_args()
    console = Console(stderr=options.json)
    console.width = max(console.width, WIDTH)
    with console.status("what each contender answers"):
        right = probes()
    with console.status("cold starts"):
        cold = cold_starts()
    with console.status("warm calls"):
        warm = warm_calls(options.rounds)
    if options.json:
        print(json.dumps({"warm": warm, "cold": cold, "right": right}, indent=2))
        return
    for table in (warm_table(warm, options.rounds), cold_table(cold, warm), right_table(right)):
        console.print(table)


def warm_calls(rounds: int) -> Figures:
    """By contender and cell, medians over its processes; `ratio` is the p50 as a multiple of ours in the same round."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {contender.name: defaultdict(list) for contender in CONTENDERS}
    memory: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        seconds, busy = _round(memory)
        for (name, cell), values in seconds.items():
            p50 = statistics.median(values)
            figures = {
                "p50_ms": p50 * 1000,
                "p95_ms": statistics.quantiles(values, n=20)[-1] * 1000,
                "cpu_ms": busy[name, cell] / len(values) * 1000,
                "ratio": p50 / statistics.median(seconds[OURS, cell]),
                "cpu_ratio": busy[name, cell] / busy[OURS, cell],
            }
            found[name][cell].append(figures)
    return {
        name: {
            **{cell: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for cell, runs in cells.items()},
            "rss_mib": statistics.median(memory[name]),
        }
        for name, cells in found.items()
    }


def _round(memory: dict[str, list[float]]) -> tuple[dict[tuple[str, str], list[float]], dict[tuple[str, str], float]]:
    """One fresh process of each, all alive, one at work: seconds of each call, and processor seconds, by contender and cell."""
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    busy: dict[tuple[str, str], float] = defaultdict(float)
    processes = [Process(contender) for contender in CONTENDERS]
    for number in range(BLOCKS + 1):
        for version, kind in CELLS:
            for process in processes if number % 2 else reversed(processes):
                name = process.contender.name
                if kind == "async" and not process.contender.has_async:
                    continue
                reply = process.ask(version=version, kind=kind, calls=CALLS if number else WARM_UP)
                if number:
                    seconds[name, cell_name(version, kind)] += reply["seconds"]
                    busy[name, cell_name(version, kind)] += reply["cpu"]
                if number == BLOCKS and (version, kind) == CELLS[-1]:
                    memory[name].append(reply["rss_mib"])
    for process in processes:
        process.end()
        if process.contender.name == OURS and process.audit_records < BLOCKS * CALLS * len(CELLS):
            sys.exit(f"{OURS} wrote {process.audit_records} audit records: it was not measured at its full work")
    return seconds, busy


def cell_name(version: str, kind: str) -> str:
    return f"{version}, {kind} tool"


def cold_starts() -> Figures:
    """Whole processes: the import alone, against the SDK's import alone; then a process up to and with its first answer."""
    imports = {"import of the SDK alone": BARE, **{contender.name: contender.imports for contender in CONTENDERS}}
    runs: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in imports}
    for number in range(COLD_RUNS + 1):
        for name, statement in imports.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
            seconds = time.perf_counter() - started
            if number:  # the first round compiles and fills the page cache
                runs[name]["import_s"].append(seconds)
        for contender in CONTENDERS if number else ():
            started = time.perf_counter()
            process = Process(contender)
            runs[contender.name]["answered_s"].append(time.perf_counter() - started)
            runs[contender.name]["first_call_ms"].append(process.first["first_ms"])
            process.end()
    bare = runs["import of the SDK alone"]["import_s"]
    figures: Figures = {name: {key: statistics.median(values) for key, values in found.items()} for name, found in runs.items()}
    for name, found in runs.items():
        figures[name]["ratio"] = statistics.median(value / base for value, base in zip(found["import_s"], bare, strict=True))
    return figures


def probes() -> Figures:
    found: Figures = {}
    for contender in CONTENDERS:
        process = Process(contender)
        found[contender.name] = process.ask(probe=True)["right"]
        process.end()
        found[contender.name]["audit record of each request, with the caller"] = process.audit_records > len(PROBES)
    return found


def warm_table(figures: Figures, rounds: int) -> Table:
    table = Table(title=f"warm tools/call, {rounds * BLOCKS * CALLS} calls for each line, milliseconds", title_justify="left")
    for column in ("", "handler", "p50", "times ours", "p95", "CPU", "times ours"):
        table.add_column(column, justify="left" if column in ("", "handler") else "right")
    for version, kind in CELLS:
        cell = cell_name(version, kind)
        table.add_section()
        for name, found in figures.items():
            line = found.get(cell)
            if line is None:
                shown = ["-"] * 5
            else:
                shown = [
                    f"{line[key]:.{digits}f}"
                    for key, digits in (("p50_ms", 2), ("ratio", 1), ("p95_ms", 2), ("cpu_ms", 2), ("cpu_ratio", 1))
                ]
            table.add_row(cell if name == OURS else "", name, *shown)
    return table


def cold_table(figures: Figures, memory: Figures) -> Table:
    table = Table(
        title=f"cold starts, byte code compiled, median of {COLD_RUNS}; an import with the end of its process, an answer without",
        title_justify="left",
    )
    for column in ("handler", "import, s", "times the SDK's", "first answer after, s", "first call, ms", "RSS warm, MiB"):
        table.add_column(column, justify="left" if column == "handler" else "right")
    for name, found in figures.items():
        shown = [f"{found['import_s']:.2f}", f"{found['ratio']:.2f}"]
        if "answered_s" in found:
            shown += [f"{found['answered_s']:.2f}", f"{found['first_call_ms']:.1f}", f"{memory[name]['rss_mib']:.0f}"]
        table.add_row(name, *shown)
    return table


def right_table(figures: Figures) -> Table:
    table = Table(title="what each answers right", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in figures:
        table.add_column(name)
    for what in next(iter(figures.values())):
        table.add_row(what, *("yes" if found[what] else "no" for found in figures.values()))
    return table


if __name__ == "__main__":
    main()
