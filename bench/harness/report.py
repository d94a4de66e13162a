"""Results as tables: aligned text, or Markdown."""

PRECISIONS = ("f32", "bf16", "f16", "int8", "f64")


def milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def megabytes(value: float) -> str:
    return f"{value / 1e6:.0f}" if value >= 1e7 else f"{value / 1e6:.1f}"


def ordered(session: dict) -> list[tuple[str, dict]]:
    """Engines by precision, Calque first in each."""
    entries = list(session["engines"].items())

    def key(item):
        precision = item[1]["precision"]
        return PRECISIONS.index(precision) if precision in PRECISIONS else len(PRECISIONS)

    return sorted(entries, key=key)


def cell(entry: dict, label: str, text) -> str:
    result = entry["results"].get(label, {})
    return text(result) if "min" in result else "–"


def time_text(result: dict) -> str:
    return f"{milliseconds(result['median'])} ({milliseconds(result['min'])})" + ("" if result["agrees"] else " WRONG")


def times(session: dict) -> list[list[str]]:
    workloads = session["workloads"]
    rows = [["ms a call: median (least)", *(entry["shape"] for entry in workloads)]]
    rows.append(["GFLOP", *(f"{entry['gflop']:.2f}" if entry["gflop"] else "?" for entry in workloads)])
    for label, engine in ordered(session):
        rows.append([engine["title"], *(cell(entry, label, time_text) for entry in workloads)])
    return rows


def ratios(session: dict) -> list[list[str]]:
    """Time of the fastest peer of the same precision over ours; above 1 Calque is faster."""
    workloads = session["workloads"]
    rows = [["fastest peer's time over ours: median (least)", *(entry["shape"] for entry in workloads)]]
    for label, engine in ordered(session):
        if label.split(":")[0] != "calque":
            continue

        def text(result):
            against = result["against"]
            return f"{against['ratio_median']:.2f} ({against['ratio_min']:.2f}) {against['peer']}" if against else "–"

        rows.append([engine["title"], *(cell(entry, label, text) for entry in workloads)])
    return rows


def shares(session: dict, key: str, title: str) -> list[list[str]]:
    workloads = session["workloads"]
    rows = [[title, *(entry["shape"] for entry in workloads)]]
    for label, engine in ordered(session):

        def text(result):
            return f"{100 * result[key]:.0f} %" if key in result else "–"

        rows.append([engine["title"], *(cell(entry, label, text) for entry in workloads)])
    return rows


def limits(session: dict) -> tuple[list[list[str]], list[list[str]]]:
    """The peak counts arithmetic only; the roof is the longer of arithmetic at the peak and reading each weight once."""
    return (
        shares(session, "share_of_peak", "share of the machine's peak"),
        shares(session, "share_of_roof", "share of the roof"),
    )


def accuracies(session: dict) -> list[list[str]]:
    workloads = session["workloads"]
    rows = [["against float32 PyTorch: max abs, cosine", *(entry["shape"] for entry in workloads)]]
    for label, engine in ordered(session):

        def text(result):
            accuracy = result["accuracy"]
            return f"{accuracy['max_abs']:.1e}, {accuracy['cosine']:.6f}" if accuracy else "not compared"

        rows.append([engine["title"], *(cell(entry, label, text) for entry in workloads)])
    return rows


def changing_text(changing: dict) -> str:
    worst, median = milliseconds(changing["worst_seconds"]), milliseconds(changing["median_seconds"])
    return f"{worst} ({median}; {changing['worst_ratio']:.2f})"


def starts(session: dict) -> list[list[str]]:
    head = ["", "start, s", "load, ms", "first call, ms", "worst of changing lengths, ms (median; over a steady call)"]
    head += ["MB after load", "after the longest", "idle", "busy when idle", "installed, MB"]
    rows = [head]
    for _, engine in ordered(session):
        if "first_call_seconds" not in engine:
            continue
        memory, changing = engine["memory"], engine.get("changing")
        row = [engine["title"], f"{engine['start_seconds']:.2f}", milliseconds(engine["load_seconds"])]
        row.append(milliseconds(engine["first_call_seconds"]))
        row.append(changing_text(changing) if changing else "–")
        row += [megabytes(memory[name]["resident"]) if name in memory else "–" for name in ("after_load", "after_longest", "idle")]
        idle = engine.get("idle_processor_seconds")
        row.append("–" if idle is None else f"{100 * idle:.0f} %")
        row.append(megabytes(engine["installed_bytes"]))
        rows.append(row)
    return rows


def remarks(results: dict) -> list[str]:
    lines = [f"{entry['title']}: {entry['reason']}" for entry in results["missing"]]
    for session in results["sessions"]:
        where = f"{session['model']}, {session['threads']} threads"
        if session.get("unchecked"):
            lines.append(f"{where}: outputs are not compared with PyTorch: {session['unchecked']}")
        for engine in session["engines"].values():
            if engine["problem"]:
                lines.append(f"{where}: {engine['title']}: {engine['problem']}")
        for entry in session["workloads"]:
            for label, result in entry["results"].items():
                if not result["agrees"]:
                    title = session["engines"][label]["title"]
                    lines.append(f"{where}, {entry['shape']}: {title} DISAGREES with PyTorch by {result['accuracy']['max_abs']:.2g}")
    return list(dict.fromkeys(lines))


def render(rows: list[list[str]], markdown: bool) -> str:
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "| --- " * len(rows[0]) + "|")
        return "\n".join(lines)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) if i == 0 else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths)))
        for row in rows
    )


def report(results: dict, markdown: bool = False) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    parts = [f"{machine['processor']}, {machine['processors']} processors; {versions}"]
    for session in results["sessions"]:
        peak = ", ".join(f"{name} {value:.0f}" for name, value in session["peak_gflops"].items()) or "not measured"
        threads = f"{session['threads']} thread" + ("s" if session["threads"] > 1 else "")
        title = f"{session['model']}, {threads}; peak in GFLOP/s: {peak}"
        parts.append(("### " if markdown else "== ") + title)
        for rows in (times(session), ratios(session), *limits(session), starts(session), accuracies(session)):
            if len(rows) > 1:
                parts.append(render(rows, markdown))
    notes = remarks(results)
    if notes:
        parts.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(parts)


def by_length(session: dict) -> str:
    """The guide's comparison: one line for each length, Python, TorchScript and the others; least times and Calque's gain."""
    labels = [label for label, _ in ordered(session)]
    head = ["tokens", *(f"{session['engines'][label]['title']}, ms" for label in labels), "Python over TorchScript", "Python over Calque"]
    rows = [head]
    for entry in session["workloads"]:
        least = {label: entry["results"].get(label, {}).get("min") for label in labels}
        row = [str(entry["longest"]), *(milliseconds(least[label]) if least[label] else "–" for label in labels)]
        for label in ("torchscript", "calque"):
            both = least.get("torch") and least.get(label)
            row.append(f"{least['torch'] / least[label]:.2f}" if both else "–")
        rows.append(row)
    threads = f"{session['threads']} thread" + ("s" if session["threads"] > 1 else "")
    return f"### {session['model']}, one sequence, {threads}, least times\n\n" + render(rows, markdown=True)
