#!/usr/bin/env python3
"""Adds up the JUnit files below build/reports and prints `N passed, N failed, N skipped`.

A ctest case that is a GoogleTest program counts by its own cases; one that left no report, or failed outside its
cases (a crash, a sanitizer's finding), counts as one. Exits 1 when something failed or nothing ran.
"""

import argparse
import pathlib
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass


@dataclass
class Sum:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Sum") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def cases_of(path: pathlib.Path) -> Sum:
    total = Sum()
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            total.failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            total.skipped += 1
        else:
            total.passed += 1
    return total


def ctest_sum(path: pathlib.Path) -> Sum:
    total = Sum()
    for case in ElementTree.parse(path).iter("testcase"):
        failed = case.get("status") == "fail" or case.find("failure") is not None
        report = path.parent / "cases" / f"{case.get('name')}.xml"
        own = Sum()
        try:
            own = cases_of(report)
        except (OSError, ElementTree.ParseError):
            own.passed = 0 if failed else 1
        if failed and own.failed == 0:
            own.failed = 1
        total.add(own)
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=pathlib.Path)
    parser.add_argument("--failed-stages", type=int, default=0, help="stages that failed without a test's report")
    options = parser.parse_args()

    total = Sum()
    for folder in sorted(path for path in options.reports.iterdir() if path.is_dir()):
        part = Sum()
        if (folder / "ctest.xml").exists():
            part.add(ctest_sum(folder / "ctest.xml"))
        if (folder / "pytest.xml").exists():
            part.add(cases_of(folder / "pytest.xml"))
        print(f"{folder.name}: {part.passed} passed, {part.failed} failed, {part.skipped} skipped")
        total.add(part)
    if options.failed_stages and total.failed == 0:
        total.failed = options.failed_stages
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
