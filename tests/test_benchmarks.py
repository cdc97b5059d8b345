"""The benchmarks run and report, at their smallest sizes. Their figures mean nothing here."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from benchmarks import __main__ as bench
from benchmarks import attacks, items, latency, references, rules, table_http, table_large, table_transaction
from benchmarks.references import Command, Reference, UnavailableReferenceError
from benchmarks.report import Figure, Promise, Report
from iotlab.table.sizes import size_bytes

HTTP = table_http.Size(rounds=1, items=50, slice_s=0.02)


def test_an_item_of_the_benchmarks_has_one_kilobyte() -> None:
    assert {size_bytes(items.item(number, version)) for number, version in ((0, 0), (999_999, 12_345))} == {1024}


def test_requests_are_measured_with_and_without_fsync_and_a_missing_reference_is_named() -> None:
    def absent(cache: Path) -> Command:
        raise UnavailableReferenceError("node is not installed")

    report = Report()
    table_http.measure(report, HTTP, [Reference("dynalite", absent)])
    assert report.skipped == {"dynalite": "node is not installed"}
    assert not report.promises
    measured = {figure.name for figure in report.figures if figure.median > 0}
    assert {f"{name}: iotlab" for name in table_http.LIMITS} <= measured
    assert {"PutItem: iotlab without fsync", "PutItem: ratio with fsync to without"} <= measured
    assert "dynalite  " in report.text()
    assert "not measured: node is not installed" in report.text()


def test_the_ratio_is_taken_to_the_best_reference() -> None:
    report = Report()
    rates = {(name, table_http.OURS): [300.0, 200.0] for name in table_http.LIMITS}
    rates |= {(name, table_http.VOLATILE): [600.0, 400.0] for name in table_http.LIMITS}
    rates |= {(name, table_http.NONE): [900.0, 800.0] for name in table_http.LIMITS}
    rates |= {(name, table_http.FSYNC): [300.0, 400.0] for name in table_http.LIMITS}
    rates |= {(name, "slow"): [100.0, 200.0] for name in table_http.LIMITS}
    rates |= {(name, "fast"): [150.0, 100.0] for name in table_http.LIMITS}
    table_http.ratios(report, rates, ["slow", "fast"])
    assert {tuple(promise.figure.samples) for promise in report.promises} == {(2.0, 1.0)}
    assert [promise.is_held for promise in report.promises] == [True] * 4
    bounds = {figure.name: figure.samples for figure in report.figures}
    assert bounds["PutItem: the ratio of a server that does one fsync"] == [2.0, 2.0]


def test_a_reference_without_its_tool_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableReferenceError, match="node is not installed"):
        references.install_dynalite(tmp_path)


def test_a_reference_is_found_where_it_was_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "moto-5.2.5").mkdir()
    (tmp_path / "moto-5.2.5" / ".made").touch()
    command = references.install_moto(tmp_path)(4567, tmp_path)
    assert command == [str(tmp_path / "moto-5.2.5" / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", "4567"]


def test_the_bridges_transaction_is_measured_beside_the_rows_that_it_writes() -> None:
    report = Report()
    table_transaction.measure(report, table_transaction.Size(rounds=2, batches=2))
    (promise,) = report.promises
    bridge, bare = report.figures
    assert promise.figure.samples == [one / two for one, two in zip(bridge.samples, bare.samples, strict=True)]


def test_the_bare_side_leaves_the_same_rows(tmp_path: Path) -> None:
    commits = table_transaction.trace(tmp_path / "traced.db", 2)
    table_transaction.bare(tmp_path / "bare.db", commits)
    assert len(commits) == 2
    written = table_transaction.rows(tmp_path / "traced.db")
    # 200 messages of 50 devices: states, ledgers, history, and a stream record for each.
    assert sorted(filter(None, map(len, written.values()))) == [50, 50, 200, 200]
    assert table_transaction.rows(tmp_path / "bare.db") == written


def test_a_large_table_is_filled_used_and_started_anew() -> None:
    report = Report()
    size = table_large.Size(items=300, small_items=100, rounds=2, reads=200, used=20)
    table_large.measure(report, size)
    held = {promise.figure.name: promise.figure for promise in report.promises}
    assert len(held) == 3
    assert 10 < held["memory after 20 random reads and writes"].median < 200
    assert 0 < held["cold start to the first durable write, 300 items"].median < 60


def test_rules_are_measured_few_beside_many_and_on_a_day() -> None:
    report = Report()
    rules.measure(report, rules.Size(devices=20, messages=200, rounds=2, history=1000))
    assert report.promises[0].figure.name == "200 rules: ratio of CPU to 100"
    assert all(figure.median > 0 for figure in report.figures)


@pytest.mark.timeout(120)
def test_each_probe_is_told_and_each_bare_message_heard_and_the_hops_between_are_reported() -> None:
    report = Report()
    latency.measure(report, latency.Size(rounds=1, slice_s=1.0, rate=200, probes=40))
    figures = {figure.name: figure.median for figure in report.figures}
    told = report.promises[0].figure
    assert told.name == "publish to a notification, p99"
    assert 0 < figures["publish to a bare callback, p50"] < told.median
    assert all(figures[f"{hop}, p50"] >= 0 for hop in ("receive to decode", "commit to record", "evaluate to told"))


@pytest.mark.timeout(120)
def test_every_message_is_acknowledged_while_handlers_attack_and_both_sides_are_reported() -> None:
    report = Report()
    attacks.measure(report, attacks.Size(rounds=1, slice_s=1.5, rate=200))
    names = [figure.name for figure in report.figures]
    assert names[0] == "publish to acknowledgement, p50, at rest"
    assert int(names[1].rpartition("under ")[2].split()[0]) >= 2
    assert all(figure.median > 0 for figure in report.figures)


def test_a_percentile_is_a_sample_with_that_part_of_the_others_below() -> None:
    assert [latency.percentile(range(100), part) for part in (0.0, 0.5, 0.99, 1.0)] == [0, 50, 99, 99]


def test_a_report_tells_machine_commit_spread_and_whether_a_promise_is_held(tmp_path: Path) -> None:
    report = Report()
    report.figure("speed", "/s", [3.0, 1.0, 2.0])
    report.promise("ratio", "", [0.4], "at least", 0.5)
    report.promise("memory", "MB", [180.0], "at most", 200.0)
    report.write(tmp_path / "new" / "report.json")
    document = msgspec.json.decode((tmp_path / "new" / "report.json").read_bytes())
    assert {"date", "commit", "machine", "figures", "promises", "skipped"} == set(document)
    assert document["machine"]["cores"] >= 1
    assert [document["figures"][0][name] for name in ("low", "median", "high")] == [1.0, 2.0, 3.0]
    assert [promise["held"] for promise in document["promises"]] == [False, True]
    assert report.text().count("MISSED") == 1


def test_a_promise_counts_the_median() -> None:
    assert Promise(Figure("", "", [1.0, 9.0, 2.0]), "at most", 2.0).is_held
    assert not Promise(Figure("", "", [1.0, 9.0, 2.0]), "at least", 2.1).is_held


def test_one_part_of_the_table_can_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(bench.PARTS, "large", lambda report, is_quick: report.figure("asked", "s", [float(is_quick)]))
    bench.main(["large", "--quick", "--json", str(tmp_path / "report.json")])
    figures = msgspec.json.decode((tmp_path / "report.json").read_bytes())["figures"]
    assert [(figure["name"], figure["median"]) for figure in figures] == [("asked", 1.0)]
    assert "asked" in capsys.readouterr().out


def test_an_unknown_benchmark_is_refused_with_the_names_of_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["tabel"])
    assert (
        "there is no benchmark 'tabel': choose from ingest, table, http, transaction, large"
        in capsys.readouterr().err
    )
