# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a large fleet costs the controller: 1,000 hosts x 10 endpoints x 25 checks, one in twenty endpoints weak.

A process of its own takes the hosts one after the other, as the action does, derives every file and seals them. Its
seconds and its peak of resident memory count; the tests' sample fleet gives the shape of a host.
"""

from __future__ import annotations

import copy
import json
import multiprocessing
import resource
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOSTS, ENDPOINTS, WEAK = 1000, 10, 20
#: Name, unit, goal.
GOALS = (
    ("evidence_derive", "seconds", 60),
    ("evidence_memory", "megabytes", 500),
    ("evidence_seal", "seconds", 10),
    ("evidence_oscal", "seconds", 5),
)
NAMES = tuple(name for name, _unit, _goal in GOALS)

Json = t.Dict[str, t.Any]


def fleet() -> t.Iterator[Json]:
    """The hosts, one at a time: a configuration, and ten endpoints of which a few fail."""
    import evidence_samples as samples

    names = [f"service{number}.clinic.example" for number in range(ENDPOINTS)]
    audit = samples.audit([samples.listener([name], 8000 + number) for number, name in enumerate(names)])
    good = [samples.report(f"https://h:{8000 + number}", name=name) for number, name in enumerate(names)]
    bad = samples.report("https://h:8000", "rraraa", names[0])
    for number in range(HOSTS):
        host = f"host{number:04}.clinic.example"
        scans = copy.deepcopy(good if number % (WEAK // ENDPOINTS) else [bad, *good[1:]])
        for port, report in enumerate(scans, 8000):
            report["endpoint"] = f"https://{host}:{port}"
            for item in report["findings"]:
                item["subject"]["endpoint"] = report["endpoint"]
        yield {"host": host, "scans": scans, "stacks": {"nginx": copy.deepcopy(audit)}}


def measure(told: t.Any) -> None:
    """In a process of its own: seconds of each part, the peak of memory in MB, and the number of results."""
    sys.path[:0] = [
        str(ROOT / ".ansible" / "collections"),
        str(ROOT / "tests/unit/plugins/plugin_utils/evidence"),
    ]
    import evidence_samples as samples

    from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bag, bundle, run
    from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports import oscal

    seal = bag.Bag.seal
    seconds: dict[str, float] = {}

    def timed(*arguments: t.Any, **more: t.Any) -> bag.Seal:
        start = time.perf_counter()
        try:
            return seal(*arguments, **more)
        finally:
            seconds["evidence_seal"] = time.perf_counter() - start

    bag.Bag.seal = timed  # type: ignore[method-assign]
    names = [f"host{number:04}.clinic.example" for number in range(HOSTS)]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        record = run.assemble(samples.FACTS, names, fleet(), samples.baseline())
        bundle.write(folder, record)
        seconds["evidence_derive"] = time.perf_counter() - start - seconds["evidence_seal"]
        # Linux counts in kilobytes.
        seconds["evidence_memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    start = time.perf_counter()
    size = sum(len(piece) for _name, text in oscal.documents(record) for piece in text)
    seconds["evidence_oscal"] = time.perf_counter() - start
    told.send({**seconds, "results": len(record.results), "oscal_bytes": size})


def run() -> list[Json]:
    """One row for each goal. The number beside ours is the goal itself: there is nothing alike to compare with."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    child = multiprocessing.get_context("spawn").Process(target=measure, args=(theirs,))
    child.start()
    theirs.close()
    try:
        found = ours.recv()
    except EOFError:
        raise RuntimeError("the process that writes the evidence failed") from None
    finally:
        child.join()
    print(f"evidence: {found['results']} results, OSCAL {found['oscal_bytes']} bytes", file=sys.stderr)
    return [
        {
            "name": name,
            "unit": unit,
            "ours": round(found[name], 2),
            "other": goal,
            "other_name": "the goal",
            "ratio": round(found[name] / goal, 3),
            "goal": f"at most {goal} {unit}",
            "met": found[name] <= goal,
        }
        for name, unit, goal in GOALS
    ]


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=1)
