#!/usr/bin/env python3
"""Compares Tweed's operations with ONNX's own tests of its operators.

    scripts/onnx_cases.py [--program build/onnx_case] [--device cpu] [--reasons] [OPERATOR...]

pip's onnx makes the cases (onnx.backend.test: a model of one node, its inputs and outputs) in memory.
onnx_rules/ says each in calls of Tweed, layouts turned where images are meant, and the program of
tests/onnx_case.cpp runs them (cmake --build build --target onnx_case). Results are compared by ONNX's
tolerances. Prints for each operator how many passed, failed, and cannot be said, with the reasons; exit
1 if one failed. Of an operator with several results the first is what has to be said; of the others those
that can be are compared, too, and the rest are counted. --reasons lists those of every case.

Needs numpy and onnx.
"""

import argparse
import collections
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx.backend.test.case.node import collect_testcases

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

import safetensors_numpy  # noqa: E402
from onnx_rules import RULES, Calls, No  # noqa: E402


class Part:
    """A result of a test, and the calls that stand for it."""

    def __init__(self, name, calls, wanted, tolerances):
        self.name, self.calls, self.wanted = name, calls, wanted
        self.rtol, self.atol = tolerances

    def is_right(self, result):
        wanted, rtol = self.wanted, self.rtol
        if result.shape != wanted.shape:
            return f"{result.shape}, not {wanted.shape}"
        if wanted.dtype.name == "bfloat16":  # eight bits, and ONNX's reference rounds each step
            wanted, rtol = wanted.astype(np.float32), max(rtol, 2**-6)
        if wanted.dtype.kind in "biu":
            good = np.array_equal(result.astype(np.int64), wanted.astype(np.int64))
        else:
            both = (result.astype(np.float64), wanted.astype(np.float64))
            good = np.allclose(*both, rtol=rtol, atol=self.atol, equal_nan=True)
        return "" if good else f"off by {difference(result, wanted):.1e}"


class Case:
    """A test of ONNX, and its results; or why its first cannot be said."""

    def __init__(self, test):
        nodes = test.model.graph.node
        self.name = test.name
        self.op = nodes[0].op_type if len(nodes) == 1 else "several nodes"
        self.test = test
        self.parts, self.left, self.reason = [], [], None
        try:
            self.say(nodes)
        except No as reason:
            self.reason = str(reason)

    def say(self, nodes):
        if len(nodes) > 1:
            raise No("a graph of several nodes")
        if self.op not in RULES:
            raise No("no such operation")
        node, (inputs, outputs) = nodes[0], self.test.data_sets[0]
        given = dict(zip((i.name for i in self.test.model.graph.input), inputs))
        given[""] = None
        wanted = dict(zip((o.name for o in self.test.model.graph.output), outputs))
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [array_of(given[name]) for name in node.input]
        for place, name in enumerate(node.output):
            if name not in wanted:
                continue
            calls = Calls(self.test.model.opset_import[0].version, len(node.output), place)
            array = array_of(wanted[name])
            try:
                calls.finish(RULES[self.op](calls, inputs, attributes), array.dtype.name)
            except No as reason:
                if not self.parts:
                    raise
                self.left.append(str(reason))
                continue
            self.parts.append(Part(f"{self.name}:{place}", calls, array, (self.test.rtol, self.test.atol)))


def array_of(value):
    """A value of a test as an array; None for an input that is left out."""
    if isinstance(value, onnx.TensorProto):
        value = onnx.numpy_helper.to_array(value)
    if value is None or hasattr(value, "dtype"):
        return value if value is None else np.asarray(value)
    raise No("a value that is no tensor")


def difference(result, wanted):
    with np.errstate(invalid="ignore"):
        apart = np.abs(result.astype(np.float64) - wanted.astype(np.float64))
    return np.nanmax(apart, initial=0)


def run(parts, program, device):
    """Results by name, and messages of those that were refused."""
    tensors, metadata = {}, {}
    for part in parts:
        metadata[part.name] = part.calls.text()
        for name, value in part.calls.values.items():
            tensors[f"{part.name}/{name}"] = value
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/in.safetensors", f"{folder}/out.safetensors"]
        safetensors_numpy.save(paths[0], tensors, metadata)
        subprocess.run([program, *paths, device], check=True)
        return safetensors_numpy.load(paths[1])


def collected(wanted):
    """The tests of operators; their expansions into functions ask the same once more."""
    warnings.filterwarnings("ignore")
    cases = {}
    for test in collect_testcases(None):
        if test.name.endswith("_expanded") or "_expanded_ver" in test.name:
            continue
        ops = {node.op_type for node in test.model.graph.node}
        if not wanted or ops & set(wanted):
            cases[test.name] = test
    return [Case(test) for test in cases.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operators", nargs="*", metavar="OPERATOR", help="such as Conv; default: all")
    parser.add_argument("--program", type=Path, default=ROOT / "build" / "onnx_case")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--reasons", action="store_true", help="say for each case why it cannot be said")
    arguments = parser.parse_args()

    cases = collected(arguments.operators)
    results, refused = run([p for case in cases for p in case.parts], arguments.program, arguments.device)
    counts = collections.defaultdict(collections.Counter)
    reasons = collections.defaultdict(collections.Counter)
    compared, left = 0, 0
    for case in cases:
        if case.reason:
            counts[case.op]["not"] += 1
            reasons[case.op][case.reason] += 1
            if arguments.reasons:
                print(f"not said {case.name}: {case.reason}")
            continue
        wrong = {p.name: refused.get(p.name) or p.is_right(results[p.name]) for p in case.parts}
        counts[case.op]["failed" if any(wrong.values()) else "passed"] += 1
        for name, text in wrong.items():
            if text:
                print(f"FAILED {name}: {text}")
        compared, left = compared + len(case.parts), left + len(case.left)
        if arguments.reasons:
            for reason in case.left:
                print(f"a further result not said {case.name}: {reason}")

    print(f"{'operator':26} passed  failed  not said")
    for op in sorted(counts, key=lambda op: (not counts[op]["passed"] + counts[op]["failed"], op)):
        c = counts[op]
        why = "; ".join(f"{text} ({n})" for text, n in reasons[op].most_common())
        print(f"{op:26} {c['passed'] or '':>6}  {c['failed'] or '':>6}  {c['not'] or '':>8}  {why}")
    total = sum(counts.values(), collections.Counter())
    print(f"{'all':26} {total['passed']:>6}  {total['failed']:>6}  {total['not']:>8}")
    print(f"{compared} results compared; {left} further ones of the same tests cannot be said")
    sys.exit(1 if total["failed"] else 0)


if __name__ == "__main__":
    main()
