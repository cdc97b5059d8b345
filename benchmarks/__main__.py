"""``make bench``: all measurements, one after the other."""

from __future__ import annotations

from benchmarks import ingest

if __name__ == "__main__":
    ingest.main()
