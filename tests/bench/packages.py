"""Benchmarks: whole builds, the share of each document, many systems in one process, and lint; medians and ratios, never a pass or a fail.

Run by `make bench`. Every figure printed comes from this run on this machine; only the ratios carry over to another.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEMS = [REPOSITORY / "examples" / f"{name}.toml" for name in ("commercial", "govcloud")]
COLD_RUNS = 5
MANY = int(os.environ.get("CLAIMSTACK_BENCH_SYSTEMS", "200"))
"""A thousand take several minutes."""
WARM_RUNS = 5

STAGES = """
import json, sys, tempfile, time
from pathlib import Path
marks = [("start", time.perf_counter())]
mark = lambda name: marks.append((name, time.perf_counter()))
from claimstack.generator import extensions, loading, package, writing
from trestle.oscal import assessment_plan, assessment_results, component, poam, profile, ssp
mark("import")
path = Path(sys.argv[1])
config = loading.load_config(path)
system = package.build(config, extensions.load_extensions(config.extensions, path.parent))
templates = package.emit(system)
mark("build")
evaluated = package.judge(system, templates)
mark("evaluate")
files = package.render(evaluated, templates)
mark("render")
with tempfile.TemporaryDirectory() as folder:
    writing.write_package(files, Path(folder) / config.name)
    mark("write")
print(json.dumps({name: after - before for (_, before), (name, after) in zip(marks, marks[1:])}))
"""


def main() -> None:
    """Print the three tables."""
    console = Console()
    measured: list[tuple[str, Callable[[], Table]]] = [
        *((f"{COLD_RUNS} cold builds of {system.stem}", partial(cold_builds, system)) for system in SYSTEMS),
        *((f"documents of {system.stem}", partial(documents, system)) for system in SYSTEMS),
        (f"{MANY} systems in one process", many_systems),
        ("lint", lint_runs),
    ]
    for what, measure in measured:
        with console.status(what):
            table = measure()
        console.print(table)


def cold_builds(system: Path) -> Table:
    """Whole processes: `claimstack build` as a user starts it, and the same work split into its stages."""
    whole = [timed([str(REPOSITORY / ".venv/bin/claimstack"), "build", str(system), "--out"]) for _ in range(COLD_RUNS)]
    stages = [
        json.loads(subprocess.run([sys.executable, "-c", STAGES, str(system)], check=True, capture_output=True, text=True).stdout)
        for _ in range(COLD_RUNS)
    ]
    table = Table(title=f"{system.stem}: one process, median of {COLD_RUNS}", title_justify="left")
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    table.add_column("of the whole", justify="right")
    median_whole = statistics.median(whole)
    for stage in stages[0]:
        median = statistics.median(run[stage] for run in stages)
        table.add_row(stage, f"{median:.3f}", f"{median / median_whole:.2f}")
    table.add_section()
    table.add_row("claimstack build", f"{median_whole:.3f}", "1.00")
    return table


def timed(command: list[str]) -> float:
    """Seconds of wall time of a command, which gets a fresh folder as its last argument."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run([*command, folder], check=False, capture_output=True)
        return time.perf_counter() - started


def documents(system: Path) -> Table:
    """Each document in the order of the package, in a process that has rendered it before: what one has made, the next ones share."""
    from claimstack.generator import package
    from claimstack.generator.documents.rendered import text_of
    from claimstack.generator.loading import load_config

    config = load_config(system)
    built = package.build(config)
    templates = package.emit(built)
    evaluated = package.judge(built, templates)
    runs = []
    for _ in range(WARM_RUNS + 1):
        fresh = replace(evaluated)
        seconds = {path: timed_here(partial(text_of, fresh, document)) for path, document in package.DOCUMENTS.items()}
        runs.append(seconds | {"site, hashes": timed_here(partial(package.render, fresh, templates))})
    shares = {path: statistics.median(run[path] for run in runs[1:]) for path in runs[0]}
    whole = sum(shares.values())
    table = Table(title=f"{system.stem}: documents, warm, median of {WARM_RUNS}", title_justify="left")
    table.add_column("document")
    table.add_column("seconds", justify="right")
    table.add_column("of the whole", justify="right")
    for path, share in sorted(shares.items(), key=lambda share: -share[1]):
        table.add_row(path, f"{share:.3f}", f"{share / whole:.2f}")
    table.add_section()
    table.add_row("all", f"{whole:.3f}", "1.00")
    return table


def timed_here(work: Callable[[], object]) -> float:
    """Seconds of wall time of a piece of work in this process."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def many_systems() -> Table:
    """Different systems built, evaluated, rendered and written in one process, against one cold build of this run."""
    from claimstack.generator.loading import parse_config
    from claimstack.generator.package import make_package
    from claimstack.generator.writing import write_package

    cold = statistics.median(timed([str(REPOSITORY / ".venv/bin/claimstack"), "build", str(SYSTEMS[0]), "--out"]) for _ in range(3))
    seconds: list[float] = []
    memory: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(variants(MANY)):
            started = time.perf_counter()
            package = make_package(parse_config(text, f"system-{number}.toml"))
            write_package(package.files, Path(folder) / "system")
            seconds.append(time.perf_counter() - started)
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    warm = statistics.median(seconds[1:])
    table = Table(title=f"{MANY} systems in one process", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("first system, seconds", f"{seconds[0]:.3f}")
    table.add_row("median of the others, seconds", f"{warm:.3f}")
    table.add_row("cold build / median of the others", f"{cold / warm:.1f}")
    table.add_row(f"peak memory after {MANY // 10} systems, MiB", f"{memory[MANY // 10 - 1] / 1024:.0f}")
    table.add_row(f"peak memory after {MANY} systems, MiB", f"{memory[-1] / 1024:.0f}")
    return table


def variants(count: int) -> Iterator[str]:
    """Both reference systems in turn, each time under another name and with another domain and size."""
    texts = [path.read_text(encoding="utf-8") for path in SYSTEMS]
    for number in range(count):
        path, text = SYSTEMS[number % 2], texts[number % 2]
        renamed = text.replace(f'name = "{path.stem}"', f'name = "system-{number}"').replace('domain = "mcp.', f'domain = "mcp-{number}.')
        yield renamed.replace("[runtime]\n", f"[runtime]\nmemory_mb = {512 + number % 8 * 64}\n")


def lint_runs() -> Table:
    """cfn-lint and the reference checker over freshly built packages: the first call pays the import."""
    from claimstack.generator.lint import lint_package
    from claimstack.generator.loading import load_config
    from claimstack.generator.package import make_package
    from claimstack.generator.writing import write_package

    table = Table(title="lint, in process", title_justify="left")
    table.add_column("package")
    table.add_column("first, seconds", justify="right")
    table.add_column("again, seconds", justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for path in SYSTEMS:
            config = load_config(path)
            target = Path(folder) / config.name
            write_package(make_package(config).files, target)
            times = []
            for _ in range(3):
                started = time.perf_counter()
                lint_package(target, config.partition.lint_regions)
                times.append(time.perf_counter() - started)
            table.add_row(config.name, f"{times[0]:.2f}", f"{statistics.median(times[1:]):.2f}")
    return table


if __name__ == "__main__":
    main()
