#!/usr/bin/env python3
"""Renders the test charts and probes with real Helm and writes down what it says.

Run it where the Python package `helm-python-sdk` is installed (it carries Helm 4), from any directory:

    python3 compiler/chart/tests/update.py [--check]

It writes `goldens/<case>.json` for every case of `cases.json`, and the `output` or `error` of every probe in
`probes/*.json`. With `--check` it writes nothing and exits 1 if anything differs.
"""

import json
import pathlib
import sys
import tempfile

import helm_python

HERE = pathlib.Path(__file__).resolve().parent


def render(chart_dir, values, **options):
    """The rendered templates by path, or the error's text."""
    try:
        with helm_python.Chart.load(chart_dir) as chart:
            return {"manifests": chart.render(values, **options)}
    except helm_python.HelmError as error:
        return {"error": str(error)}


def run_probe(probe, shared):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "c"
        (root / "templates").mkdir(parents=True)
        (root / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: 1.2.3\n")
        (root / "values.yaml").write_text(probe.get("values", shared))
        (root / "templates" / "x.yaml").write_text(probe["template"])
        result = render(root, {}, name="r", namespace="ns")
    if "error" in result:
        return {"error": result["error"]}
    return {"output": result["manifests"].get("c/templates/x.yaml", "")}


def write(path, data, check):
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    if check:
        same = path.exists() and path.read_text() == text
        if not same:
            print(f"{path.name} differs")
        return same
    path.write_text(text)
    return True


def main():
    check = "--check" in sys.argv
    good = True
    for path in sorted((HERE / "probes").glob("*.json")):
        suite = json.loads(path.read_text())
        shared = suite.get("values", "")
        for probe in suite["probes"]:
            probe.pop("output", None)
            probe.pop("error", None)
            probe.update(run_probe(probe, shared))
        good &= write(path, suite, check)
    for case in json.loads((HERE / "cases.json").read_text()):
        options = {key: case[key] for key in ("name", "namespace", "revision", "is_upgrade") if key in case}
        if case.get("is_upgrade"):
            options["is_install"] = False
        result = render(HERE / "charts" / case["chart"], case.get("values", {}), **options)
        good &= write(HERE / "goldens" / f"{case['case']}.json", result, check)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
