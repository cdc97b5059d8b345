"""``make bench``: all measurements, one after the other, or those that are named.

``python -m benchmarks [NAME …] [--quick] [--json FILE]``: NAME is ``ingest``, ``rules``, ``latency``, ``attacks``,
``table``, or a part of the table: ``http``, ``transaction``, ``large``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import attacks, ingest, latency, rules, table_http, table_large, table_transaction
from benchmarks.references import CACHE
from benchmarks.report import Report

_Part = Callable[[Report, bool], None]


def _http(report: Report, is_quick: bool) -> None:
    table_http.measure(report, table_http.Size(rounds=3, slice_s=0.2) if is_quick else table_http.Size())


def _transaction(report: Report, is_quick: bool) -> None:
    size = table_transaction.Size(rounds=3, batches=20) if is_quick else table_transaction.Size()
    table_transaction.measure(report, size)


def _large(report: Report, is_quick: bool) -> None:
    size = table_large.Size(items=20_000, rounds=3, reads=1000, used=1000) if is_quick else table_large.Size()
    table_large.measure(report, size)


def _rules(report: Report, is_quick: bool) -> None:
    rules.measure(report, rules.Size(messages=4000, rounds=3, history=20_000) if is_quick else rules.Size())


def _latency(report: Report, is_quick: bool) -> None:
    latency.measure(report, latency.Size(rounds=2, slice_s=1.5) if is_quick else latency.Size())


def _attacks(report: Report, is_quick: bool) -> None:
    attacks.measure(report, attacks.Size(rounds=1, slice_s=2) if is_quick else attacks.Size())


TABLE: dict[str, _Part] = {"http": _http, "transaction": _transaction, "large": _large}
PARTS: dict[str, _Part] = TABLE | {"rules": _rules, "latency": _latency, "attacks": _attacks}
NAMES = ("ingest", "table", *PARTS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print a table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the promises' figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure, of {', '.join(NAMES)}: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs: no figures to keep")
    parser.add_argument("--json", type=Path, default=CACHE / "report.json", help="where the figures go")
    asked = parser.parse_args(arguments)
    names = asked.names or ["ingest", "table", "rules", "latency", "attacks"]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(NAMES)}")
    if "ingest" in names:
        ingest.main()
    parts = [name for name in PARTS if name in names or ("table" in names and name in TABLE)]
    _measure_parts(parts, asked.json, is_quick=asked.quick)


def _measure_parts(parts: Sequence[str], json: Path, *, is_quick: bool) -> None:
    if not parts:
        return
    report = Report()
    for name in parts:
        part = Report()
        PARTS[name](part, is_quick)
        print(f"\n{name}\n{part.text()}", flush=True)
        report.take(part)
    report.write(json)
    print(f"\nwritten to {json}")


if __name__ == "__main__":
    main()
