"""Coverage-guided fuzzing of everything that reads what a server sends.

    python tests/fuzz/fuzz.py SECONDS [TARGET...]

runs each target of ``targets.py`` for its share of the seconds, on all cores, and goes on where the last run stopped
(``build/fuzz``).
An input that breaks a target is kept in ``tests/fuzz/corpus/TARGET``, where a unit test replays it from then on, and
ends the run with status 1. Needs atheris (libFuzzer), which has no build for every Python; without it nothing is run,
and the properties that ``pytest -m hypothesis`` tests at random are all there is.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "fuzz"
PACKAGE = "ansible_collections.encryption.in_transit"

sys.path[:0] = [str(ROOT / ".ansible" / "collections")]


def one(name: str, arguments: list[str]) -> None:
    """Fuzz one target until libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=[f"{PACKAGE}.plugins.module_utils"]):
        from ansible_collections.encryption.in_transit.tests.fuzz import targets

    atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
    atheris.Fuzz()


def seeds(name: str, folder: Path) -> None:
    """Begin with something well-formed: real answers, so that the search starts behind the first check."""
    from ansible_collections.encryption.in_transit.tests.fuzz import seeds as made

    for number, seed in enumerate(made.SEEDS[name]()):
        (folder / f"seed-{number}").write_bytes(seed)


def main(argv: list[str]) -> int:
    if argv[:1] == ["--one"]:
        one(argv[1], argv[2:])
        return 0
    from ansible_collections.encryption.in_transit.tests.fuzz import targets

    if importlib.util.find_spec("atheris") is None:
        print("fuzz: atheris is not installed (it has no build for every Python): nothing was searched")
        return 0
    seconds, names = int(argv[0]), argv[1:] or list(targets.TARGETS)
    cores = min(os.cpu_count() or 1, len(names))
    share = max(seconds * cores // len(names), 1)

    def search(name: str) -> subprocess.CompletedProcess[str]:
        corpus, found = WORK / name, HERE / "corpus" / name
        for folder in (corpus, found):
            folder.mkdir(parents=True, exist_ok=True)
        seeds(name, corpus)
        # The time limit of one input is for what hangs: a busy machine is slow.
        options = [f"-max_total_time={share}", f"-max_len={targets.LONGEST}", "-timeout=60", "-rss_limit_mb=1024"]
        options += ["-print_final_stats=1", f"-artifact_prefix={found}/", str(corpus), str(found)]
        argv = [sys.executable, __file__, "--one", name, *options]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    broken = []
    with ThreadPoolExecutor(cores) as pool:
        outcomes = list(pool.map(search, names))
    for name, done in zip(names, outcomes):
        runs = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{name}: {runs[0] if runs else 'no'} inputs tried, {'sound' if done.returncode == 0 else 'BROKEN'}")
        if done.returncode:
            broken.append(name)
            print(done.stderr[-4000:])
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
