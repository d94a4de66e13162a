#!/usr/bin/env python3
"""Prints Markdown tables of results of bench/compare.py, and writes their plots.

    bench/report.py                         the README's tables and docs/images, of build/bench/results/*.json
    bench/report.py FILE.json --plots DIR   those of one run
    bench/report.py FILE.json --text        aligned text in place of Markdown
"""

import argparse
import json
import pathlib
import sys

from harness import plots, report
from harness.paths import RESULTS, ROOT
from harness.studies import README


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=pathlib.Path, help="JSON files; none: those of the README")
    parser.add_argument("--plots", type=pathlib.Path, help="folder for SVG and PNG (default: docs/images for the README's)")
    parser.add_argument("--text", action="store_true", help="aligned text in place of Markdown")
    parser.add_argument("--all", action="store_true", help="all tables of studies, too, that are shown by plots")
    options = parser.parse_args()

    files = options.results or [RESULTS / f"{study}.json" for study in README]
    folder = options.plots or (None if options.results else ROOT / "docs/images")
    found = [path for path in files if path.exists()]
    for path in files:
        if path not in found:
            print(f"report.py: {path} is not there: bench/compare.py --study {path.stem} makes it", file=sys.stderr)
    for path in found:
        results = json.loads(path.read_text())
        if options.results or options.all or path.stem == "default":
            print(report.report(results, markdown=not options.text))
        elif path.stem == "lengths":
            print("\n\n".join(report.by_length(session) for session in results["sessions"]))
        if folder:
            for plot in plots.plot(path.stem, results, folder):
                print(f"written: {plot}.svg, .png", file=sys.stderr)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
