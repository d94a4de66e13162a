"""Plots of results, as SVG and PNG. Each says in its title what was measured; which plots there are depends on what the
results hold."""

import collections
import pathlib

# Okabe and Ito's colours, which people who see colours differently can tell apart.
COLOURS = {
    "calque": "#d55e00",
    "torch": "#000000",
    "torchscript": "#0072b2",
    "compile": "#56b4e9",
    "onnxruntime": "#009e73",
    "openvino": "#cc79a7",
    "ctranslate2": "#e69f00",
}
MARKERS = {"f32": "o", "bf16": "s", "int8": "^"}


def style(label: str, precision: str) -> dict:
    name = label.split(":")[0]
    line = {"f32": "-", "bf16": "--"}.get(precision, ":")
    return {
        "color": COLOURS.get(name, "#999999"),
        "marker": MARKERS.get(precision, "d"),
        "linestyle": line,
        "linewidth": 2.2 if name == "calque" else 1.3,
        "zorder": 3 if name == "calque" else 2,
        "markersize": 4,
    }


def draw_lines(series: dict, title: str, across: str, up: str, path: pathlib.Path, logarithmic: bool = True) -> None:
    """`series` maps (label, name, precision) to points (x, y)."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "calque"
    from matplotlib import pyplot
    from matplotlib.ticker import ScalarFormatter

    figure, axes = pyplot.subplots(figsize=(7, 4.3), layout="constrained")
    for (label, name, precision), points in series.items():
        axes.plot(*zip(*sorted(points)), label=name, **style(label, precision))
    places = sorted({x for points in series.values() for x, _ in points})
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.set_xticks([], minor=True)
    if not logarithmic:
        axes.set_ylim(bottom=0)
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8, ncols=2)
    save(figure, path)


def save(figure, path: pathlib.Path) -> None:
    from matplotlib import pyplot

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), dpi=150)
    pyplot.close(figure)


def named(session: dict, entry: dict):
    """(key of the series, result) of every engine that was measured."""
    for label, result in entry["results"].items():
        if "min" in result and result["agrees"]:
            engine = session["engines"][label]
            yield (label, engine["title"], engine["precision"]), result


def threads_text(count: int) -> str:
    return f"{count} thread" + ("s" if count > 1 else "")


def plot_lengths(session: dict, folder: pathlib.Path) -> list[pathlib.Path]:
    """Time against tokens, of batches of one."""
    entries = [entry for entry in session["workloads"] if entry["batch"] == 1]
    if len(entries) < 5:
        return []
    series = collections.defaultdict(list)
    for entry in entries:
        for key, result in named(session, entry):
            series[key].append((entry["longest"], result["min"] * 1e3))
    path = folder / f"length-{session['model'].replace(':', '-')}"
    title = f"{session['model']}, one sequence, {threads_text(session['threads'])}"
    draw_lines(series, title, "tokens", "ms a call (least)", path)
    return [path]


def plot_tokens(session: dict, folder: pathlib.Path) -> list[pathlib.Path]:
    """Cost of a real token, of batches of real sentences."""
    entries = [entry for entry in session["workloads"] if entry["shape"].endswith("real")]
    if len(entries) < 3:
        return []
    series = collections.defaultdict(list)
    for entry in entries:
        for key, result in named(session, entry):
            series[key].append((entry["real_tokens"], result["min"] * 1e6 / entry["real_tokens"]))
    path = folder / f"tokens-{session['model'].replace(':', '-')}"
    title = f"{session['model']}, batches of real sentences, {threads_text(session['threads'])}"
    draw_lines(series, title, "real tokens in the batch", "µs for each real token (least)", path)
    return [path]


def plot_threads(sessions: list[dict], folder: pathlib.Path) -> list[pathlib.Path]:
    """Time against threads, one plot for each model and shape."""
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for session in sessions:
        for entry in session["workloads"]:
            for key, result in named(session, entry):
                groups[session["model"], entry["shape"]][key].append((session["threads"], result["min"] * 1e3))
    paths = []
    for (model, shape), series in groups.items():
        counts = {x for points in series.values() for x, _ in points}
        if len(counts) < 2 or shape.endswith("real"):
            continue
        path = folder / f"threads-{model.replace(':', '-')}-{shape}"
        draw_lines(series, f"{model}, {shape}", "threads", "ms a call (least)", path, logarithmic=False)
        paths.append(path)
    return paths


def plot_layers(sessions: list[dict], folder: pathlib.Path) -> list[pathlib.Path]:
    """Time against layers, of models whose names say how many they have."""
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for session in sessions:
        model, colon, layers = session["model"].partition(":")
        for entry in session["workloads"] if colon else ():
            for key, result in named(session, entry):
                groups[model, entry["shape"], session["threads"]][key].append((int(layers), result["min"] * 1e3))
    paths = []
    for (model, shape, threads), series in groups.items():
        path = folder / f"layers-{model}-{shape}"
        title = f"{model} of so many layers, {shape}, {threads_text(threads)}"
        draw_lines(series, title, "layers", "ms a call (least)", path, logarithmic=False)
        paths.append(path)
    return paths


def plot_speed(session: dict, folder: pathlib.Path) -> list[pathlib.Path]:
    """Speed relative to TorchScript, bars for each shape; engines of all precisions."""
    from matplotlib import pyplot

    entries = [entry for entry in session["workloads"] if "min" in entry["results"].get("torchscript", {})]
    if not entries:
        return []
    keys = list(dict.fromkeys(key for entry in entries for key, _ in named(session, entry) if key[0] != "torchscript"))
    figure, axes = pyplot.subplots(figsize=(9, 4.3), layout="constrained")
    width = 0.84 / max(1, len(keys))
    for i, key in enumerate(keys):
        places, heights = [], []
        for place, entry in enumerate(entries):
            result = dict(named(session, entry)).get(key)
            if result:
                places.append(place + (i - len(keys) / 2 + 0.5) * width)
                heights.append(entry["results"]["torchscript"]["min"] / result["min"])
        hatch = {"bf16": "//", "int8": "xx"}.get(key[2], "")
        colour = COLOURS.get(key[0].split(":")[0], "#999999")
        axes.bar(places, heights, width, label=key[1], color=colour, hatch=hatch, edgecolor="white", linewidth=0.3)
    axes.axhline(1, color="#0072b2", linewidth=1)
    axes.set_xticks(range(len(entries)), [entry["shape"] for entry in entries])
    title = f"{session['model']}, {threads_text(session['threads'])}: speed, TorchScript = 1"
    axes.set(title=title, xlabel="batch x tokens", ylabel="times as fast (least times)")
    axes.legend(fontsize=7, ncols=3)
    axes.grid(True, axis="y", alpha=0.3)
    path = folder / f"speed-{session['model'].replace(':', '-')}-{session['threads']}"
    save(figure, path)
    return [path]


def plot(study: str, results: dict, folder: pathlib.Path) -> list[pathlib.Path]:
    """The plots that belong to a study; those of an unnamed run are whatever it has data for."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "calque"
    sessions, paths = results["sessions"], []
    for session in sessions:
        if study not in ("lengths", "layers", "threads", "tokens"):
            paths += plot_speed(session, folder)
        if study != "tokens":
            paths += plot_lengths(session, folder)
        paths += plot_tokens(session, folder)
    if study not in ("default",):
        paths += plot_threads(sessions, folder)
    return paths + plot_layers(sessions, folder)
