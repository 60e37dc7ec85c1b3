"""Harden, verify, drift and evidence in a loop over lab hosts, while things go wrong: what `make soak` runs.

    SOAK_SECONDS=3600   how long; the last round is finished
    SOAK_SEED=NUMBER    the dice; printed at the beginning. A round depends on this and its own number only
    SOAK_ROUND=NUMBER   the round to begin with, to see one of an earlier soak again

In each round a fault strikes three times, each time after some stacks were put back into their neglected state, in one
of the four steps. What an interrupted run has left is recovered, and each configuration is exactly the neglected or
exactly the hardened one (bytes, modes, owners, links), what a human wrote meanwhile is there, every endpoint answers.

Then without any fault:

- all four steps succeed, the hosts are as they were after the first hardening, and have the verdicts they had then;
- every bundle sealed in the round verifies, with nothing but sha256sum(1) and ssh-keygen(1), and by its verify.sh;
- no file, lock, journal or process is left on hosts or controller; at the end, memory and open files of what runs on
  the hosts have not grown.

What is not so is told with the round it was found in, and the soak goes on: from fresh hosts. The logs of all runs and
the table of rounds are in ``build/soak``. Exit status 1 when anything was found.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "lab"), str(ROOT / ".ansible" / "collections")]

import demo
from faults import FAULTS
from hosts import STACKS, Host, Tree, differences, edits, tree

import lab

OUTPUT = ROOT / "build" / "soak"
EVIDENCE = OUTPUT / "evidence"
SCRATCH = OUTPUT / "tmp"
BIN = Path(sys.executable).parent

STEPS = ("harden", "verify", "drift", "evidence")
#: Faults in a round.
STRIKES = 3
#: Seconds after which a run hangs: the longest that was seen, on a machine with a load of 30, took three minutes.
HANGS = 600
#: In the environment of all we start, to be known by.
MARK = "IN_TRANSIT_SOAK"
#: Faults that end with a host whose daemons somebody has to see to first.
HOST_FAULTS = {"daemon stopped", "host restarted", "certificate swapped"}
#: Where Ansible unpacks the code of a module. It takes that away when the module ends, and cannot when it is killed.
PAYLOADS = "/tmp/ansible_*_payload_*"


class Strike:
    """One run with a fault in it: what is rolled for it, and what comes of it."""

    def __init__(self, round_: Round, name: str) -> None:
        self.round, self.soak, self.dice, self.name = round_, round_.soak, round_.dice, name
        self.fault = self.dice.choice(list(FAULTS))
        # Most can go wrong where something is changed.
        self.step = "harden" if self.fault == "disk full" else self.dice.choice([*STEPS, "harden", "harden"])
        self.host = self.dice.choice(self.soak.hosts)
        self.stack = self.dice.choice(self.host.stacks)
        every = [(host, stack) for host in self.soak.hosts for stack in host.stacks]
        self.neglected = [pair for pair in every if self.dice.random() < 0.3]
        if self.step == "harden" and (self.host, self.stack) not in self.neglected:
            self.neglected.append((self.host, self.stack))
        #: A place, where a fault has one; the status of the struck run.
        self.place = ""
        self.status: int | None = None
        self.edits = 0
        self._later: list[tuple[float, t.Callable[[subprocess.Popen[bytes]], t.Any]]] = []

    def __str__(self) -> str:
        what = " ".join(filter(None, (self.fault, self.place)))
        return f"{what} during {self.step} ({self.host.name}, {self.stack}; {len(self.neglected)} neglected)"

    def later(self, act: t.Callable[[subprocess.Popen[bytes]], t.Any], at: float | None = None) -> None:
        """Let something happen to the struck run: ``at`` a part of its usual time, any by default."""
        self._later.append((self.dice.random() if at is None else at, act))

    def another(self) -> int:
        """The same step once more, in a process of its own."""
        return self.round.end(self.round.start(self.step, f"{self.name}-second"))

    def wait_for_host(self) -> None:
        lab._wait(self.host.lab)

    def play(self) -> None:
        """Strike, lift the fault, recover: then nothing may be half done."""
        r, soak = self.round, self.soak
        for host, stack in self.neglected:
            host.put_back(stack, soak.old[host, stack])
        for host in {host for host, _stack in self.neglected}:
            lab._wait(host.lab)
        with FAULTS[self.fault](self):
            self.status = self._struck()
        if self.fault == "nothing":
            r.expect(self.status == 0, f"{self.step} without any fault ended with {self.status}")
        if self.fault == "disk full" and self.place != "/tmp":
            r.expect(self.status != 0, "harden succeeded on a full disk")
            soak.exact(r, self.host, self.stack, ("neglected",))
        if self.fault not in HOST_FAULTS:
            # A restart that was cut off is made good by what follows.
            soak.answering(r, but=("vsftpd",))
        r.clean("recover", f"{self.name}-recover")
        for host in soak.hosts:
            for stack in host.stacks:
                if self.fault == "daemon stopped" and (host, stack) == (self.host, self.stack):
                    # In the lab some are backends of themselves, and harden leaves what it cannot ask what it speaks.
                    host.put_back(stack, soak.old[host, stack])
                    lab._wait(host.lab)
                soak.exact(r, host, stack, ("neglected", "hardened"))
        if self.edits:
            found = edits(self.host.archive(self.stack), STACKS[self.stack].edited)
            r.expect(found == self.edits, f"the human's line stands {found} times in {STACKS[self.stack].edited}")
        soak.answering(r)

    def _struck(self) -> int:
        run = self.round.start(self.step, f"{self.name}-{self.step}")
        acts = [threading.Thread(target=self._act, args=(run, part, act)) for part, act in self._later]
        for thread in acts:
            thread.start()
        status = self.round.end(run)
        for thread in acts:
            thread.join()
        return status

    def _act(
        self, run: subprocess.Popen[bytes], part: float, act: t.Callable[[subprocess.Popen[bytes]], t.Any]
    ) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(part * statistics.median(self.soak.usual[self.step]))
        try:
            act(run)
        except lab.LabError as error:
            self.round.problems.append(f"the fault itself failed: {error}")


class Round:
    """Some strikes, one after the other, then all steps without any."""

    def __init__(self, soak: Soak, number: int) -> None:
        self.soak, self.number = soak, number
        self.dice = random.Random(f"{soak.seed}/{number}")
        self.strikes = [Strike(self, str(at)) for at in range(1, STRIKES + 1)]
        self.problems: list[str] = []
        self.seconds = 0.0
        self.folder = OUTPUT / "rounds" / str(number)

    def expect(self, good: object, otherwise: str) -> None:
        if not good:
            self.problems.append(otherwise)

    def start(self, step: str, name: str) -> subprocess.Popen[bytes]:
        """Begin a run of a playbook; its output goes to a file of the round."""
        playbook = str(HERE / "recover.yml") if step == "recover" else f"encryption.in_transit.{step}"
        argv = ["ansible-playbook", playbook, "--inventory", str(self.soak.fleet.inventory)]
        argv += ["--extra-vars", json.dumps(self.soak.variables)]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                argv, cwd=ROOT, env=self.soak.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

    def end(self, run: subprocess.Popen[bytes]) -> int:
        """The status of a run when it has ended. One that hangs is ended, and told."""
        try:
            return run.wait(HANGS)
        except subprocess.TimeoutExpired:
            self.problems.append(f"a run did not end within {HANGS} s")
            os.killpg(run.pid, signal.SIGKILL)
            return run.wait()

    def clean(self, step: str, name: str = "") -> None:
        """Run a playbook that has to succeed."""
        begun = time.monotonic()
        status = self.end(self.start(step, name or step))
        self.soak.usual[step].append(time.monotonic() - begun)
        said = (self.folder / f"{name or step}.log").read_text(errors="replace")
        self.expect(status == 0, f"{name or step} ended with {status}: {_failure(said)}")

    def play(self) -> None:
        begun = time.monotonic()
        soak = self.soak
        bundles = soak.bundles()
        for strike in self.strikes:
            lab.say(f"round {self.number}.{strike.name}: {strike}")
            strike.play()
            if self.problems:
                break  # the next strike would find the same again
        else:
            for step in STEPS:
                self.clean(step)
            for host in soak.hosts:
                for stack in host.stacks:
                    soak.exact(self, host, stack, ("hardened",))
            soak.verdicts(self)
        for bundle in sorted(soak.bundles() - bundles):
            soak.verify(self, bundle)
        soak.leaks(self)
        self.seconds = time.monotonic() - begun


class Soak:
    """The fleet, what it was at the beginning, and all rounds."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.fleet = lab.load("soak")
        self.hosts = [Host(host) for host in self.fleet.hosts]
        self.usual: dict[str, list[float]] = collections.defaultdict(list)
        self.rounds: list[Round] = []
        self.old: dict[tuple[Host, str], bytes] = {}
        self.old_trees: dict[tuple[Host, str], Tree] = {}
        self.new_trees: dict[tuple[Host, str], Tree] = {}
        self.speaking: set[str] = set()
        self.first_verdicts: dict[str, str] = {}
        self.first_told: dict[str, t.Any] = {}
        self.names: dict[Host, collections.Counter[str]] = {}
        #: For each round, of what systemd started on a host: kilobytes and open files.
        self.sizes: dict[Host, list[tuple[int, int]]] = collections.defaultdict(list)
        key = OUTPUT / "key"
        self.variables = {
            "in_transit_evidence_dir": str(EVIDENCE),
            "in_transit_signing_key": str(key),
            "in_transit_allowed_signers": str(OUTPUT / "allowed_signers"),
            # HAProxy has three settings that only people may mend: the outcome is compared with the first one instead.
            "verify_fail_on": [],
            "evidence_fail_on": [],
            "drift_fail_on": [],
            "verify_verdict_file": str(OUTPUT / "verify.json"),
            # A setting that is mended in each round is not contested here: that is what the rounds are for.
            "drift_contested_times": 1000000,
        }
        self.environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "TMPDIR": str(SCRATCH),
            "ANSIBLE_LOCAL_TEMP": str(SCRATCH),
            "ANSIBLE_NOCOLOR": "1",
            MARK: str(os.getpid()),
        }

    def prepare(self) -> None:
        """Fresh hosts, what they are before and after hardening, and the first bundle to compare with."""
        shutil.rmtree(OUTPUT, ignore_errors=True)
        SCRATCH.mkdir(parents=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "soak", "-f", str(OUTPUT / "key")], check=True
        )
        public = (OUTPUT / "key.pub").read_text()
        (OUTPUT / "allowed_signers").write_text(f"soak {public}")
        self.fresh()
        for host in self.hosts:
            for stack in host.stacks:
                self.old[host, stack] = host.archive(stack)
                self.old_trees[host, stack] = tree(self.old[host, stack])
        self.speaking = {end for end, (accepted, _verdict) in self._look().items() if accepted}
        first = Round(self, 0)
        for step in ("harden", "verify", "evidence", "drift"):
            first.clean(step)
        for host in self.hosts:
            for stack in host.stacks:
                self.new_trees[host, stack] = tree(host.archive(stack))
                if self.new_trees[host, stack] == self.old_trees[host, stack]:
                    first.problems.append(f"{host.name}: {stack} was not changed, so nothing can be seen there")
        self.first_told = self.told()
        self.first_verdicts = {end: verdict for end, (_accepted, verdict) in self._look().items()}
        for host in self.hosts:
            self.names[host] = collections.Counter(process.name for process in host.processes())
        if first.problems:
            raise lab.LabError("the soak cannot begin: " + "; ".join(first.problems))

    def fresh(self) -> None:
        argv = [sys.executable, str(lab.LAB / "lab.py"), "--fleet", self.fleet.name, "reset"]
        if subprocess.run(argv, check=False).returncode:
            raise lab.LabError("the hosts did not come up")

    def _look(self) -> dict[str, tuple[frozenset[str], str]]:
        return demo.by_our_engine([end for host in self.hosts for end in host.lab.endpoints])

    def answering(self, r: Round, but: t.Collection[str] = ()) -> None:
        """Whether every endpoint that spoke TLS at first still does, but for those of some stacks."""
        ports = {port for stack in but for port in _ports(stack)}
        for end, (accepted, _verdict) in self._look().items():
            if end in self.speaking and urlsplit(end).port not in ports:
                r.expect(accepted, f"{end} does not answer")

    def told(self) -> dict[str, t.Any]:
        """What the steps made of the fleet, counted."""
        verdict = json.loads((max(self.bundles()) / "data" / "verdict.json").read_text())
        return {
            "verify": json.loads((OUTPUT / "verify.json").read_text()),
            "drift": json.loads((EVIDENCE / "drift.json").read_text())["counts"],
            "evidence": {key: verdict[key] for key in ("verdict", "results", "endpoints", "population")},
        }

    def verdicts(self, r: Round) -> None:
        told = self.told()
        if any(strike.step == "evidence" for strike in r.strikes):
            del told["drift"]  # was held against what was sealed while something was wrong
        for step, counts in told.items():
            r.expect(counts == self.first_told[step], f"{step} counted {counts}, and {self.first_told[step]} at first")
        for end, (_accepted, verdict) in self._look().items():
            r.expect(verdict == self.first_verdicts[end], f"{end} is {verdict}, and was {self.first_verdicts[end]}")

    def exact(self, r: Round, host: Host, stack: str, states: t.Sequence[str]) -> None:
        """Whether a configuration is one of those as a whole; each file of one where a stack has several instances."""
        known = {"neglected": self.old_trees, "hardened": self.new_trees}
        found = tree(host.archive(stack))
        wanted = [known[state][host, stack] for state in states]
        if found in wanted:
            return
        if stack == "vsftpd" and len(wanted) > 1:
            names = found.keys() | {name for one in wanted for name in one}
            wrong = [name for name in sorted(names) if found.get(name) not in [one.get(name) for one in wanted]]
        else:
            wrong = differences(found, wanted[-1])
        r.expect(not wrong, f"{host.name}: {stack} is not {' or '.join(states)}: {'; '.join(wrong[:3])}")

    # --- evidence ---------------------------------------------------------------------------------------------------

    def bundles(self) -> set[Path]:
        return {
            path.parent for path in EVIDENCE.glob("*/tagmanifest-sha256.txt") if ".unsealed" not in path.parent.name
        }

    def verify(self, r: Round, bundle: Path) -> None:
        """By the standard tools alone, and by the script in the bundle."""
        identity = ["-Y", "verify", "-f", str(OUTPUT / "allowed_signers"), "-I", "soak", "-n"]
        commands = [
            ["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"],
            ["sha256sum", "--check", "--strict", "--quiet", "tagmanifest-sha256.txt"],
            ["ssh-keygen", *identity, "evidence@encryption-in-transit", "-s", "tagmanifest-sha256.txt.sig"],
            ["sh", "verify.sh", "-s", str(OUTPUT / "allowed_signers")],
        ]
        for argv in commands:
            with (bundle / "tagmanifest-sha256.txt").open("rb") as signed:
                done = subprocess.run(argv, cwd=bundle, stdin=signed, capture_output=True, text=True, check=False)
            said = f"{done.stdout[-300:]}{done.stderr[-300:]}"
            r.expect(done.returncode == 0, f"{bundle.name}: {argv[0]} {argv[1]}: {said}")

    # --- leaks ------------------------------------------------------------------------------------------------------

    def leaks(self, r: Round) -> None:
        for host in self.hosts:
            if any(strike.fault == "module killed" for strike in r.strikes):
                host.sure(f"rm -rf {PAYLOADS}")
            for path in host.left():
                r.problems.append(f"{host.name}: left behind: {path}")
            processes = host.processes()
            names = {process.pid: process.name for process in processes}
            # Postfix's master has as many programs as mail needed lately.
            counted = collections.Counter(one.name for one in processes if names.get(one.parent) != "master")
            for name, count in counted.items():
                # Other daemons keep a few processes more or less, and programs of ours end.
                usual = self.names[host].get(name, 0)
                if count > usual + 3 or (not usual and name in ("python3", "openssl", "strace", "tar")):
                    r.problems.append(f"{host.name}: {count} processes {name}, and {usual} at the beginning")
            r.problems += [f"{host.name}: zombie {one.name}" for one in processes if one.state.startswith("Z")]
            long_lived = [one for one in processes if one.parent == 1]
            self.sizes[host].append((sum(one.kilobytes for one in long_lived), sum(one.files for one in long_lived)))
        killed = any(strike.fault == "controller killed" for strike in r.strikes)
        for one in SCRATCH.iterdir():
            # Ansible does not take away what a killed run of it leaves.
            if one.name.startswith("ansible-local-") and killed:
                shutil.rmtree(one, ignore_errors=True)
            else:
                r.problems.append(f"controller: left behind: {one.name}")
        known = {bundle.name for bundle in self.bundles()} | {".lock", "changes", "drift.json", "ledger-sha256.txt"}
        r.problems += [f"evidence: left behind: {one.name}" for one in EVIDENCE.iterdir() if one.name not in known]
        r.problems += [f"controller: still running: {one}" for one in _ours()]

    def growth(self) -> list[str]:
        """What of memory and open files of the hosts grew from the first third of the rounds to the last."""
        found = []
        for host, sizes in self.sizes.items():
            third = len(sizes) // 3
            if third < 2:
                continue
            for index, noun, slack in ((0, "kB of memory", 20000), (1, "open files", 20)):
                before = statistics.median(size[index] for size in sizes[:third])
                after = statistics.median(size[index] for size in sizes[-third:])
                if after > before * 1.2 + slack:
                    found.append(f"{host.name}: {before:.0f} {noun} in the first rounds, {after:.0f} in the last")
        return found

    # --- all of it --------------------------------------------------------------------------------------------------

    def run(self, seconds: float, number: int) -> int:
        self.prepare()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            r = Round(self, number)
            try:
                r.play()
            except (lab.LabError, OSError, subprocess.SubprocessError) as error:
                r.problems.append(f"the round came to no end: {error}")
            self.rounds.append(r)
            for problem in r.problems:
                lab.say(f"round {number}: FOUND: {problem}")
            lab.say(f"round {number}: {r.seconds:.0f} s; struck runs ended with {[one.status for one in r.strikes]}")
            if r.problems:
                self.fresh()
            number += 1
        return self.tell()

    def tell(self) -> int:
        last = Round(self, -1)
        for bundle in sorted(self.bundles()):
            self.verify(last, bundle)
        last.problems += self.growth()
        problems = [f"round {r.number}: {problem}" for r in self.rounds for problem in r.problems] + last.problems
        strikes = [one for r in self.rounds for one in r.strikes if one.status is not None]
        table = [
            {"round": r.number, "seconds": round(r.seconds, 1), "problems": r.problems,
             "strikes": [{"what": str(one), "status": one.status} for one in r.strikes]}
            for r in self.rounds
        ]  # fmt: skip
        sizes = {host.name: sizes for host, sizes in self.sizes.items()}
        result = {
            "seed": self.seed,
            "rounds": table,
            "sizes": sizes,
            "bundles": len(self.bundles()),
            "problems": problems,
        }
        (OUTPUT / "soak.json").write_text(json.dumps(result, indent=1))
        print(f"\n{len(self.rounds)} rounds, {len(strikes)} faults, {len(self.bundles())} bundles, seed {self.seed}")
        for fault in FAULTS:
            steps = collections.Counter(one.step for one in strikes if one.fault == fault)
            print(f"  {steps.total():3} {fault}: {', '.join(f'{step} {count}' for step, count in steps.items())}")
        for problem in problems:
            print(f"FOUND: {problem}")
        return 1 if problems else 0


def _ports(stack: str) -> set[int]:
    """Where a stack listens on lab hosts."""
    states = tomllib.loads((lab.LAB / "hosts.toml").read_text())["states"].values()
    return {port for state in states if stack in state["groups"] for port in state.get("ports", ())}


def _failure(said: str) -> str:
    """The first thing a playbook says went wrong."""
    found = re.search(r"^(?:fatal|failed|\[?ERROR).*", said, re.MULTILINE)
    return found.group()[:600] if found else said[-300:]


def _ours() -> list[str]:
    """What we started and still runs. Connections of ssh are kept for a while on purpose."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            mark = f"{MARK}={os.getpid()}".encode()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if mark in (folder / "environ").read_bytes().split(b"\0") and not command.startswith("ssh: "):
                found.append(f"{folder.name} {command[:120]}")
    return found


def main() -> int:
    seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(10**6))
    seconds = float(os.environ.get("SOAK_SECONDS") or 3600)
    number = int(os.environ.get("SOAK_ROUND") or 1)
    print(f"SOAK_SEED={seed} SOAK_SECONDS={seconds:.0f} SOAK_ROUND={number}", flush=True)
    try:
        return Soak(seed).run(seconds, number)
    except lab.LabError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
