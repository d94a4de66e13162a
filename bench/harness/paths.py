"""Where things are: the source tree, and the output of the benchmark below build/bench."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build/bench"
MODELS = OUTPUT / "models"
INPUTS = OUTPUT / "inputs"
RESULTS = OUTPUT / "results"
LOGS = OUTPUT / "logs"
