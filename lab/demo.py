#!/usr/bin/env python3
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From weak to proved on real hosts: what `make demo` runs.

Every step is the command a user would type, and is printed before it runs. What the servers accept is asked three
times: of our engine, of ``openssl s_client`` and of ``sslscan``, and the demonstration fails when they disagree.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import lab

sys.path.insert(0, str(lab.ROOT / ".ansible" / "collections"))
from ansible_collections.encryption.in_transit.plugins.plugin_utils.terminal import table

OUTPUT = lab.ROOT / "build" / "demo"
EVIDENCE = OUTPUT / "evidence"
BIN = Path(sys.executable).parent

#: Protocols in question, with the option of s_client and the version in sslscan's XML. SSL 3.0 is left out:
#: no OpenSSL of the last ten years can be asked for it.
PROTOCOLS = {
    "TLSv1.0": ("-tls1", "1.0"),
    "TLSv1.1": ("-tls1_1", "1.1"),
    "TLSv1.2": ("-tls1_2", "1.2"),
    "TLSv1.3": ("-tls1_3", "1.3"),
}
FORBIDDEN = {"TLSv1.0", "TLSv1.1"}
TOOLS = ("OUR ENGINE", "OPENSSL S_CLIENT", "SSLSCAN")
#: Schemes that begin in plaintext and change over to TLS, as s_client and sslscan call them; the others begin with TLS.
STARTTLS = {name: (name, name) for name in ("ftp", "imap", "ldap", "mysql", "pop3", "smtp", "xmpp")}
STARTTLS["postgres"] = ("postgres", "psql")


class Seen(t.NamedTuple):
    """What an endpoint was seen to do: the protocols each tool had accepted, and our verdict."""

    accepted: tuple[frozenset[str], ...]
    verdict: str

    @property
    def agreed(self) -> bool:
        return len(set(self.accepted)) == 1


def title(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def run(*argv: str, show: bool = True, **options: t.Any) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it prints; with ``show`` people see the command and its output as it comes."""
    if not show:
        return subprocess.run(argv, text=True, capture_output=True, check=False, **options)
    print("$", shlex.join(argv), flush=True)
    process = subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    return subprocess.CompletedProcess(argv, process.wait(), "".join(lines), "")


def playbook(name: str, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    if sys.stdout.isatty():
        environment["ANSIBLE_FORCE_COLOR"] = "1"
    arguments = ("--inventory", "inventories/lab", *more)
    return run("ansible-playbook", f"encryption.in_transit.{name}", *arguments, cwd=lab.ROOT, env=environment)


# --- asking the servers ------------------------------------------------------------------------------------------


def by_our_engine(endpoints: t.Sequence[str]) -> dict[str, tuple[frozenset[str], str]]:
    """Endpoint -> protocols accepted, verdict; by the scanner that `make scan` runs, without Ansible."""
    scanner = lab.ROOT / "plugins" / "module_utils" / "run" / "command.py"
    done = run(sys.executable, "-I", "-S", str(scanner), *endpoints, show=False)
    found = {}
    for line in done.stdout.splitlines():
        report = json.loads(line)
        accepted = frozenset(name for name in PROTOCOLS if report["protocols"].get(name) == "accepted")
        found[report["endpoint"]] = (accepted, report["verdict"])
    missing = set(endpoints) - set(found)
    if missing:
        raise lab.LabError(f"the scanner said nothing about {', '.join(sorted(missing))}: {done.stderr}")
    return found


def by_s_client(endpoint: str) -> frozenset[str]:
    address, name, starttls = _target(endpoint)
    connect = ["-connect", address, *(["-servername", name] if name else ["-noservername"])]
    connect += ["-starttls", starttls[0]] if starttls else []
    accepted = set()
    for protocol, (option, _version) in PROTOCOLS.items():
        # Ask for everything this OpenSSL still knows, whatever the machine's policy is.
        ciphers = [] if protocol == "TLSv1.3" else ["-cipher", "ALL:@SECLEVEL=0"]
        done = run(
            "openssl", "s_client", *connect, option, *ciphers, "-brief",
            show=False, stdin=subprocess.DEVNULL, timeout=20, env={**os.environ, "OPENSSL_CONF": "/dev/null"},
        )  # fmt: skip
        if done.returncode == 0 and "CONNECTION ESTABLISHED" in done.stderr:
            accepted.add(protocol)
    return frozenset(accepted)


def by_sslscan(endpoint: str) -> frozenset[str]:
    address, name, starttls = _target(endpoint)
    more = [f"--sni-name={name}"] if name else []
    more += [f"--starttls-{starttls[1]}"] if starttls else []
    done = run(
        "sslscan", "--xml=-", "--no-ciphersuites", "--no-check-certificate", "--no-compression", "--no-fallback",
        "--no-groups", "--no-heartbleed", "--no-renegotiation", *more, address,
        show=False, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    try:
        document = ElementTree.fromstring(done.stdout)
    except ElementTree.ParseError as exc:
        raise lab.LabError(f"sslscan said nothing about {endpoint}: {done.stderr or done.stdout}") from exc
    enabled = {
        entry.get("version")
        for entry in document.iter("protocol")
        if entry.get("type") == "tls" and entry.get("enabled") == "1"
    }
    return frozenset(protocol for protocol, (_option, version) in PROTOCOLS.items() if version in enabled)


def _target(endpoint: str) -> tuple[str, str, tuple[str, str] | None]:
    """Address with port, server name or nothing, and what each tool calls the change to TLS if there is one."""
    parts = urlsplit(endpoint)
    return parts.netloc, parse_qs(parts.query).get("sni", [""])[0], STARTTLS.get(parts.scheme)


def look(fleet: lab.Fleet) -> dict[str, Seen]:
    """Every endpoint of the fleet by all three tools."""
    endpoints = [endpoint for host in fleet.hosts for endpoint in host.endpoints]
    encrypted = [endpoint for endpoint in endpoints if urlsplit(endpoint).scheme != "http"]
    ours = by_our_engine(endpoints)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        openssl = dict(zip(encrypted, pool.map(by_s_client, encrypted), strict=True))
        sslscan = dict(zip(encrypted, pool.map(by_sslscan, encrypted), strict=True))
    return {
        endpoint: Seen((ours[endpoint][0], openssl[endpoint], sslscan[endpoint]), ours[endpoint][1])
        if endpoint in openssl
        else Seen((ours[endpoint][0],), ours[endpoint][1])
        for endpoint in endpoints
    }


def rows(fleet: lab.Fleet, cells: t.Callable[[str], t.Sequence[str]]) -> list[tuple[str, ...]]:
    """A row for each endpoint: host, a short name for the endpoint, and ``cells`` of it."""
    found = []
    for host in fleet.hosts:
        for endpoint in host.endpoints:
            parts = urlsplit(endpoint)
            name = parse_qs(parts.query).get("sni", [""])[0].partition(".")[0]
            found.append((host.name, f"{parts.scheme} {parts.port} {name}", *cells(endpoint)))
    return found


def spoken(accepted: frozenset[str]) -> str:
    return " ".join(name.replace("TLSv", "") for name in PROTOCOLS if name in accepted) or "-"


def show(fleet: lab.Fleet, seen: dict[str, Seen]) -> None:
    """What each of the three tools saw."""

    def cells(endpoint: str) -> list[str]:
        tools = [spoken(tool) for tool in seen[endpoint].accepted]
        return [*tools, *["(plain HTTP)"] * (len(TOOLS) - len(tools)), seen[endpoint].verdict]

    print("TLS versions accepted, as three programs see it:\n")
    print(table(("HOST", "ENDPOINT", *TOOLS, "OUR VERDICT"), rows(fleet, cells), width=110), flush=True)


# --- the steps ---------------------------------------------------------------------------------------------------


class Demo:
    """The steps in order; ``problems`` collects what was not as promised, and nothing stops at the first one."""

    def __init__(self) -> None:
        self.fleet = lab.load("lab")
        self.problems: list[str] = []
        self.bundle: Path | None = None

    def expect(self, good: bool, otherwise: str) -> None:
        if not good:
            self.problems.append(otherwise)

    def before(self) -> None:
        title("1. The hosts as they were neglected")
        if run(sys.executable, str(lab.LAB / "lab.py"), "reset", cwd=lab.ROOT).returncode:
            raise lab.LabError("the lab hosts did not come up")
        self.first = look(self.fleet)
        show(self.fleet, self.first)
        for host in self.fleet.hosts:
            weak = any(FORBIDDEN & tool for end in host.endpoints for tool in self.first[end].accepted)
            self.expect(weak, f"{host.name} was not weak to begin with, so nothing was shown")
        self._agree(self.first)

    def harden(self) -> None:
        title("2. Harden: push the baseline, prove it, undo what is not proved")
        self.expect(playbook("harden").returncode == 0, "the harden playbook failed")

    def after(self) -> None:
        title("3. The same hosts now")
        self.last = look(self.fleet)
        show(self.fleet, self.last)
        self._agree(self.last)
        for endpoint, seen in self.last.items():
            self.expect(seen.verdict == "compliant", f"{endpoint} is {seen.verdict}")
            self.expect(not any(FORBIDDEN & tool for tool in seen.accepted), f"{endpoint} accepts TLS 1.0 or 1.1")

    def _agree(self, seen: dict[str, Seen]) -> None:
        for endpoint, one in seen.items():
            self.expect(one.agreed, f"the three programs disagree about {endpoint}")

    def evidence(self) -> None:
        title("4. Evidence: collect, seal, verify; then change one byte")
        shutil.rmtree(EVIDENCE, ignore_errors=True)
        done = playbook("evidence", "--extra-vars", json.dumps({"in_transit_evidence_dir": str(EVIDENCE)}))
        self.expect(done.returncode == 0, "the evidence playbook failed")
        bundles = sorted(path.parent for path in EVIDENCE.glob("*/verify.sh") if not path.parent.is_symlink())
        if not bundles:
            self.problems.append(f"there is no bundle in {EVIDENCE}")
            return
        self.bundle = bundles[-1]
        intact = run("sh", "verify.sh", cwd=self.bundle)
        self.expect(intact.returncode == 0, "verify.sh does not accept the bundle")
        forged = OUTPUT / "forged"
        shutil.rmtree(forged, ignore_errors=True)
        shutil.copytree(self.bundle, forged, symlinks=True)
        victim = forged / "data" / "report.html"
        victim.chmod(0o600)
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
        print(f"\nOne bit of {victim.relative_to(forged)} changed in a copy:")
        self.expect(run("sh", "verify.sh", cwd=forged).returncode != 0, "verify.sh accepts a forged bundle")

    def again(self) -> None:
        title("5. Harden again: nothing to do")
        workers = self._workers()
        done = playbook("harden")
        self.expect(done.returncode == 0, "the second harden run failed")
        recap = re.findall(
            r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", re.sub(r"\x1b\[[\d;]*m", "", done.stdout), re.MULTILINE
        )
        changed = {host: int(count) for host, count in recap}
        for host in self.fleet.hosts:
            self.expect(changed.get(host.name) == 0, f"the second run did not leave {host.name} as it was")
        self.expect(self._workers() == workers, "the second run reloaded a server")

    def _workers(self) -> dict[str, str]:
        """The worker processes of each host: a reload would replace them."""
        config = str(lab.SSH / f"{self.fleet.name}.config")
        return {
            host.name: run("ssh", "-F", config, host.name, "pgrep -f 'nginx: worker'", show=False).stdout
            for host in self.fleet.hosts
        }

    def run(self) -> int:
        begun = time.monotonic()
        OUTPUT.mkdir(parents=True, exist_ok=True)
        steps = (self.before, self.harden, self.after, self.evidence, self.again)
        try:
            for step in steps:
                step()
        except (lab.LabError, OSError, ValueError, subprocess.TimeoutExpired) as exc:
            self.problems.append(f"step {step.__name__}: {exc}")
        title("Result")
        for problem in dict.fromkeys(self.problems):
            print(f"NOT AS PROMISED: {problem}")
        if not self.problems:
            ends = sum(len(seen.accepted) > 1 for seen in self.last.values())

            def cells(endpoint: str) -> list[str]:
                now = self.last[endpoint]
                if len(now.accepted) == 1:
                    return ["(plain HTTP)", "(plain HTTP)", now.verdict]
                return [spoken(self.first[endpoint].accepted[0]), spoken(now.accepted[0]), now.verdict]

            print(table(("HOST", "ENDPOINT", "TLS BEFORE", "TLS NOW", "VERDICT"), rows(self.fleet, cells)))
            print(f"\nAbout all {ends} TLS endpoints our engine, openssl s_client and sslscan agree, before and now.")
        print(f"That took {time.monotonic() - begun:.0f} s. The hosts are still up; `make lab-down` removes them.")
        if self.bundle:
            print(f"bundle: {self.bundle}\nreport: {self.bundle / 'data' / 'report.html'}")
        return 1 if self.problems or not self.bundle else 0


if __name__ == "__main__":
    sys.exit(Demo().run())
