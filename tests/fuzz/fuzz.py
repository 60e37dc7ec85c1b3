"""Coverage-guided fuzzing of everything that reads what a server sends, or what a file of a stranger holds.

    python tests/fuzz/fuzz.py search SECONDS [TARGET...]
    python tests/fuzz/fuzz.py repeat RUNS [TARGET...]

``search`` runs each target of ``targets.py`` for its share of the seconds, on all cores, and goes on where the last
search stopped (``build/fuzz``). An input that breaks a target is kept in ``tests/fuzz/corpus/TARGET``, where a unit
test replays it from then on.

``repeat`` is for a pipeline: it begins at the well-formed inputs, tries the same RUNS inputs of each target every time,
and keeps what breaks in ``build/fuzz/broken``. The same code has the same outcome.

Either ends with status 1 when something broke. Needs atheris (libFuzzer), which has no build for every Python; without
it nothing is run, and the properties that ``pytest -m hypothesis`` tests are all there is.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "fuzz"
PACKAGE = "ansible_collections.encryption.in_transit"
INSTRUMENTED = [f"{PACKAGE}.plugins.module_utils", f"{PACKAGE}.plugins.plugin_utils"]

sys.path[:0] = [str(ROOT / ".ansible" / "collections")]


def one(name: str, arguments: list[str]) -> None:
    """Fuzz one target until libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from ansible_collections.encryption.in_transit.tests.fuzz import targets

    atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
    atheris.Fuzz()


def seeds(name: str, folder: Path) -> None:
    """Begin with something well-formed: real answers, so that the search starts behind the first check."""
    from ansible_collections.encryption.in_transit.tests.fuzz import seeds as made

    for number, seed in enumerate(made.SEEDS[name]()):
        (folder / f"seed-{number}").write_bytes(seed)


def run(name: str, corpus: Path, kept: Path, options: list[str]) -> subprocess.CompletedProcess[str]:
    """One target in a process of its own, beginning at what is in ``corpus`` and what was found before."""
    from ansible_collections.encryption.in_transit.tests.fuzz import targets

    found = HERE / "corpus" / name
    for folder in (corpus, kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    seeds(name, corpus)
    # The time limit of one input is for what hangs: a busy machine is slow.
    options = [*options, f"-max_len={targets.LONGEST}", "-timeout=60", "-rss_limit_mb=1024", "-print_final_stats=1"]
    argv = [sys.executable, __file__, "one", name, *options, f"-artifact_prefix={kept}/", str(corpus), str(found)]
    # The order of sets is a path through the code, too.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)


def main(argv: list[str]) -> int:
    if argv[:1] == ["one"]:
        one(argv[1], argv[2:])
        return 0
    from ansible_collections.encryption.in_transit.tests.fuzz import targets

    if importlib.util.find_spec("atheris") is None:
        print("fuzz: atheris is not installed (it has no build for every Python): nothing was searched")
        return 0
    mode, amount, names = argv[0], int(argv[1]), argv[2:] or list(targets.TARGETS)
    cores = min(os.cpu_count() or 1, len(names))
    if mode == "search":
        share = max(amount * cores // len(names), 1)

        def attempt(name: str) -> subprocess.CompletedProcess[str]:
            return run(name, WORK / name, HERE / "corpus" / name, [f"-max_total_time={share}"])

    else:
        # What an earlier search has learned would make this one another.
        shutil.rmtree(WORK / "repeat", ignore_errors=True)

        def attempt(name: str) -> subprocess.CompletedProcess[str]:
            same = [f"-runs={amount}", "-seed=1", "-reload=0"]
            return run(name, WORK / "repeat" / name, WORK / "broken" / name, same)

    broken = 0
    with ThreadPoolExecutor(cores) as pool:
        for name, done in zip(names, pool.map(attempt, names)):
            runs = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
            print(f"{name}: {runs[0] if runs else 'no'} inputs tried, {'sound' if done.returncode == 0 else 'BROKEN'}")
            if done.returncode:
                broken += 1
                print(done.stdout[-4000:], done.stderr[-4000:])
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
