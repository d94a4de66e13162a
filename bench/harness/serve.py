"""One engine of Python as a process: the same requests, one line of JSON each, as `calque bench --worker` serves.

    python -m harness.serve ENGINE PRECISION THREADS MODEL_FOLDER
    python -m harness.serve --prepare ENGINE PRECISION THREADS MODEL_FOLDER    conversions, ahead of time

What libraries print goes to standard error, so that answers stay alone on standard output.
"""

import importlib
import json
import os
import sys
import time

import numpy

from .models import Model


class Server:
    def __init__(self, engine):
        self.engine = engine
        self.bound: tuple[str, object] = ("", None)

    def load(self, request) -> dict:
        start = time.perf_counter()
        self.engine.load()
        return {"seconds": time.perf_counter() - start}

    def bind(self, path: str):
        """The call on the inputs of a file; those of the last file are kept."""
        if self.bound[0] != path:
            with numpy.load(path) as arrays:
                self.bound = path, self.engine.bind(dict(arrays))
        return self.bound[1]

    def run(self, request) -> dict:
        call = self.bind(request["input"])
        for _ in range(request["warmup"]):
            call()
        times = []
        for _ in range(request["calls"]):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return {"times": times}

    def output(self, request) -> dict:
        call = self.bind(request["input"])
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        numpy.save(request["to"], numpy.asarray(self.engine.array(result), numpy.float32))
        return {"seconds": seconds}

    def quit(self, request) -> dict:
        return {"bye": True}


def serve(engine, answers) -> None:
    def reply(answer: dict) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    server = Server(engine)
    reply({"ready": True})
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if request["do"] not in ("load", "run", "output", "quit"):
                raise ValueError(f"'{request['do']}' is none of load, run, output, quit")
            reply(getattr(server, request["do"])(request))
        except Exception as error:  # whatever a library throws is the answer
            text = str(error).strip()
            reply({"error": f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"})
            continue
        if request["do"] == "quit":
            return


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    words = sys.argv[1:]
    prepare = words[0] == "--prepare"
    name, precision, threads, folder = words[1:] if prepare else words
    engine = importlib.import_module(f".engines.{name}", __package__)
    model = Model.load(folder)
    if prepare:
        engine.prepare(model, precision)
    else:
        serve(engine.Engine(model, precision, int(threads)), answers)


if __name__ == "__main__":
    main()
