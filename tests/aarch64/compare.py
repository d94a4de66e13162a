#!/usr/bin/env python3
"""Compares token vectors of two runs of one model: compare.py IN WANTED FOUND LEAST_COSINE [LARGEST_DIFFERENCE]."""

import sys

import numpy


def token_vectors(inputs: str, outputs: str) -> numpy.ndarray:
    """Those of the real tokens."""
    hidden = numpy.load(outputs)["output.0"].astype(numpy.float64)
    return hidden[numpy.load(inputs)["attention_mask"] != 0]


def main(inputs: str, wanted_file: str, found_file: str, least_cosine: str, largest_difference: str = "inf") -> int:
    wanted, found = token_vectors(inputs, wanted_file), token_vectors(inputs, found_file)
    cosines = (wanted * found).sum(1) / numpy.linalg.norm(wanted, axis=1) / numpy.linalg.norm(found, axis=1)
    difference = abs(wanted - found).max()
    good = cosines.min() >= float(least_cosine) and difference <= float(largest_difference)
    verdict = "ok" if good else f"wanted at least {least_cosine} and at most {largest_difference}"
    print(f"{len(wanted)} tokens, least cosine {cosines.min():.7f}, largest difference {difference:.2e}: {verdict}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
