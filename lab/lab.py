#!/usr/bin/env python3
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Throw-away hosts with real systemd and real daemons, in the state of a server nobody looked after.

Everything about the hosts is data in ``hosts.toml``; everything made here lies in ``build/lab``, in podman's
store and in the fleet's inventory folder, and ``destroy`` takes all of it away again. Standard library only:
the lab has to come up before any Python environment exists.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import io
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import tomllib
import typing as t
from pathlib import Path

LAB = Path(__file__).resolve().parent
ROOT = LAB.parent
STATE = ROOT / "build" / "lab"
LOGS = STATE / "log"
SSH = STATE / "ssh"
CA = STATE / "ca"
CONTAINERS_CONF = STATE / "containers.conf"

REPOSITORY = "localhost/in-transit-lab"
#: Of our own, because podman takes a free range for it; its default network has a fixed one, which may be taken.
NETWORK = "in-transit-lab"
#: Not 22: a controller's own sshd usually holds that port on every address.
SSH_PORT = 2222
#: Short enough for every profile's limit on the lifetime of a certificate.
CERTIFICATE_DAYS = 90
#: Seconds until a started host must answer on every port it publishes.
BOOT_DEADLINE = 90

#: For machines where podman's default runtime cannot start a container (hybrid cgroups).
RUNC_CONF = """\
[engine]
runtime = "runc"
"""

STARTED = time.monotonic()


class LabError(Exception):
    """Something a person can act on; the message says what."""


@dataclasses.dataclass(frozen=True)
class Image:
    """A Debian generation with server software. ``base`` is the same base in a registry."""

    name: str
    suite: str
    base: str
    packages: tuple[str, ...]

    @property
    def tag(self) -> str:
        recipe = [(LAB / "Containerfile").read_text(), self.suite, self.base, *self.packages]
        return f"{REPOSITORY}/{self.name}:{hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]}"


@dataclasses.dataclass(frozen=True)
class Host:
    """One container: an image, a loopback address of its own, and the neglected states laid over it."""

    fleet: str
    name: str
    image: Image
    address: str
    states: tuple[str, ...]
    groups: tuple[str, ...]
    ports: tuple[int, ...]
    names: tuple[str, ...]
    endpoints: tuple[str, ...]
    masked: tuple[str, ...]

    @property
    def container(self) -> str:
        return f"in-transit-{self.fleet}-{self.name}"

    @property
    def published(self) -> list[tuple[int, int]]:
        """(port on the loopback address, port in the host)."""
        return [(SSH_PORT, 22), *((port, port) for port in self.ports)]


@dataclasses.dataclass(frozen=True)
class Fleet:
    """Hosts that come and go together, the folder of their inventory, and the variables in it."""

    name: str
    inventory: Path
    variables: dict[str, t.Any]
    hosts: tuple[Host, ...]


# --- the table ---------------------------------------------------------------------------------------------------


def load(name: str) -> Fleet:
    """The fleet ``name`` of hosts.toml. Raises LabError naming the entry that is missing."""
    table = tomllib.loads((LAB / "hosts.toml").read_text())
    try:
        fleet = table["fleets"][name]
        hosts = tuple(_host(table, name, host) for host in fleet["hosts"])
        return Fleet(name, ROOT / fleet["inventory"], fleet.get("vars", {}), hosts)
    except KeyError as exc:
        raise LabError(f"lab/hosts.toml: fleet {name}: there is no {exc}") from exc


def _host(table: dict[str, t.Any], fleet: str, host: dict[str, t.Any]) -> Host:
    image = table["images"][host["image"]]
    states = [table["states"][state] for state in host["states"]]

    def gather(key: str) -> tuple[t.Any, ...]:
        return tuple(dict.fromkeys(value for state in states for value in state.get(key, ())))

    # One image serves hosts of several kinds: what no state of this host asks for must not run on it.
    services = dict.fromkeys(service for state in table["states"].values() for service in state.get("services", ()))

    return Host(
        fleet=fleet,
        name=host["name"],
        image=Image(host["image"], image["suite"], image["base"], tuple(image["packages"])),
        address=host["address"],
        states=tuple(host["states"]),
        groups=gather("groups"),
        ports=gather("ports"),
        names=gather("names"),
        endpoints=tuple(endpoint.format(address=host["address"]) for endpoint in gather("endpoints")),
        masked=tuple(service for service in services if service not in gather("services")),
    )


# --- running things ----------------------------------------------------------------------------------------------


def say(text: str) -> None:
    print(f"lab {time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


@contextlib.contextmanager
def step(text: str) -> t.Iterator[None]:
    """Say what begins, remind people every ten seconds that it still runs, say when it is done."""
    say(f"{text} ...")
    begun, done = time.monotonic(), threading.Event()

    def remind() -> None:
        while not done.wait(10):
            say(f"{text}: still at it after {time.monotonic() - begun:.0f} s")

    threading.Thread(target=remind, daemon=True).start()
    try:
        yield
    finally:
        done.set()
    say(f"{text}: done in {time.monotonic() - begun:.0f} s")


def root(*argv: str) -> list[str]:
    """The command as root: as it is, or by sudo."""
    if os.geteuid() == 0:
        return list(argv)
    return ["sudo", "--", *argv]


def podman(*argv: str, check: bool = True, **options: t.Any) -> subprocess.CompletedProcess[t.Any]:
    """Run podman as root. Output is captured unless the options say otherwise; raises LabError with podman's words."""
    command = ["podman", *argv]
    if CONTAINERS_CONF.exists() and CONTAINERS_CONF.stat().st_size:
        command = ["env", f"CONTAINERS_CONF={CONTAINERS_CONF}", *command]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    done = subprocess.run(root(*command), check=False, **options)
    if check and done.returncode:
        raise LabError(f"podman {argv[0]} failed ({done.returncode}): {_last_lines(done.stderr)}")
    return done


def ulimits() -> list[str]:
    """podman's options for limits it may set: its defaults are beyond what a nested or hosted machine is allowed."""
    options = []
    for name, kind, enough in (("nofile", resource.RLIMIT_NOFILE, 65536), ("nproc", resource.RLIMIT_NPROC, 32768)):
        hard = resource.getrlimit(kind)[1]
        limit = enough if hard == resource.RLIM_INFINITY else min(hard, enough)
        options.append(f"--ulimit={name}={limit}:{limit}")
    return options


def _last_lines(output: bytes | str | None, count: int = 8) -> str:
    text = output.decode(errors="replace") if isinstance(output, bytes) else output or "see the log"
    return "\n".join(text.strip().splitlines()[-count:])


def together(work: t.Callable[[t.Any], None], items: t.Iterable[t.Any], workers: int) -> None:
    """Do ``work`` on all items, several at a time; every item is tried, then the failures are raised as one."""
    failures = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work, item) for item in items]:
            try:
                future.result()
            except LabError as exc:
                failures.append(str(exc))
    if failures:
        raise LabError("\n".join(failures))


# --- images ------------------------------------------------------------------------------------------------------


def build_images(images: t.Iterable[Image]) -> None:
    """Build whatever is missing; an image's tag carries the hash of its recipe."""
    images = list(images)
    missing = {image.name: image for image in images if podman("image", "exists", image.tag, check=False).returncode}
    if not missing:
        # Another checkout may have built them: which runtime works is not known here yet.
        _settle_runtime(images[0].tag)
        return
    LOGS.mkdir(parents=True, exist_ok=True)
    workers = min(3, os.cpu_count() or 1)
    bases = {image.suite: image for image in missing.values()}
    together(_base, bases.values(), workers)
    _settle_runtime(_base_tag(next(iter(bases.values()))))
    together(_build, missing.values(), workers)


def _base_tag(image: Image) -> str:
    return f"{REPOSITORY}/base:{image.suite}"


def _base(image: Image) -> None:
    """A bare Debian: from this machine's own package source, from a registry, or from mmdebstrap's default source."""
    if podman("image", "exists", _base_tag(image), check=False).returncode == 0:
        return
    mirror = apt_mirror()
    ways: list[tuple[str, t.Callable[[], None]]] = [
        (f"pulled as {image.base}", lambda: _pull(image)),
        ("from distribution packages", lambda: _debootstrap(image, None)),
    ]
    if mirror:
        ways.insert(0, ("from this machine's package source", lambda: _debootstrap(image, mirror)))
    failures = []
    for name, way in ways:
        try:
            with step(f"Debian {image.suite}, base {name}"):
                way()
            return
        except LabError as exc:
            failures.append(f"  {name}: {exc}")
    raise LabError(f"no way to a Debian {image.suite} base image:\n" + "\n".join(failures))


def apt_mirror() -> str | None:
    """The http(s) archive apt uses here when this machine runs Debian, whatever way its sources are written."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)\t$(LABEL)\t$(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        origin, label, uri = line.split("\t")
        if origin == label == "Debian" and uri.startswith(("http://", "https://")):
            return uri
    return None


def _debootstrap(image: Image, mirror: str | None) -> None:
    log = LOGS / f"base-{image.suite}.log"
    command = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", image.suite, "-"]
    if mirror:
        command.append(mirror)
    with log.open("wb") as words:
        maker = subprocess.Popen(root("env", f"TMPDIR={_roomy_tmp()}", *command), stdout=subprocess.PIPE, stderr=words)
        imported = podman("import", "-", _base_tag(image), stdin=maker.stdout, check=False)
        assert maker.stdout is not None
        maker.stdout.close()
        if maker.wait() or imported.returncode:
            # A truncated archive can still be importable: it must not be taken for a base next time.
            podman("rmi", "--force", _base_tag(image), check=False)
            raise LabError(f"mmdebstrap {image.suite} failed: {_last_lines(log.read_text(), 3)} (all of it: {log})")


def _roomy_tmp() -> str:
    """A RAM disk when it has room and allows device nodes and programs, else the usual folder."""
    with contextlib.suppress(OSError):
        shm = os.statvfs("/dev/shm")
        if shm.f_bavail * shm.f_frsize > 4 << 30 and not shm.f_flag & (os.ST_NODEV | os.ST_NOEXEC):
            return "/dev/shm"
    return os.environ.get("TMPDIR", "/tmp")


def _pull(image: Image) -> None:
    podman("pull", "--quiet", image.base, timeout=300)
    podman("tag", image.base, _base_tag(image))


def _settle_runtime(image: str) -> None:
    """Find out once whether podman's defaults work on this machine, and write down what does."""
    if CONTAINERS_CONF.exists():
        return
    probe = ["run", "--rm", "--privileged", *ulimits(), image, "true"]
    first = podman(*probe, check=False)
    CONTAINERS_CONF.write_text("" if first.returncode == 0 else RUNC_CONF)
    if first.returncode:
        second = podman(*probe, check=False)
        if second.returncode:
            CONTAINERS_CONF.unlink()
            raise LabError(
                "podman cannot start a container here.\n"
                f"with its defaults: {_last_lines(first.stderr, 2)}\n"
                f"with runc: {_last_lines(second.stderr, 2)}"
            )


def _build(image: Image) -> None:
    log = LOGS / f"{image.name}.log"
    with step(f"image {image.name} ({', '.join(image.packages) or 'no server software'})"), log.open("wb") as words:
        done = podman(
            "build", "--network=host", *ulimits(), "--tag", image.tag,
            "--target", "servers" if image.packages else "plain",
            "--build-arg", f"BASE={_base_tag(image)}", "--build-arg", f"PACKAGES={' '.join(image.packages)}",
            "--file", str(LAB / "Containerfile"), str(LAB),
            check=False, stdout=words, stderr=subprocess.STDOUT,
        )  # fmt: skip
    if done.returncode:
        raise LabError(f"building {image.name} failed: {_last_lines(log.read_text())} (all of it: {log})")


# --- keys and certificates ---------------------------------------------------------------------------------------


def _openssl(*argv: str) -> None:
    done = subprocess.run(["openssl", *argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"openssl {argv[0]} failed: {_last_lines(done.stderr)}")


def _ssh_key(path: Path) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {path.name}", "-f", str(path)], check=True
        )


def _ca() -> None:
    if not (CA / "ca.crt").exists():
        CA.mkdir(parents=True, exist_ok=True)
        _openssl(
            "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-sha256", "-days", "3650",
            "-subj", "/O=Hospital lab/CN=Hospital lab CA", "-keyout", str(CA / "ca.key"), "-out", str(CA / "ca.crt"),
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip


def _certificate(host: Host) -> Path:
    """The folder with the host's RSA key and its certificate from the lab CA, renewed in its last third."""
    folder = CA / host.fleet / host.name
    names = [*host.names, host.name, "localhost"]
    request = (
        f"# {CERTIFICATE_DAYS} days\n"
        f"[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nO=Hospital lab\nCN={names[0]}\n[v3]\n"
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
        "extendedKeyUsage=serverAuth,clientAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        f"subjectAltName={','.join(f'DNS:{name}' for name in names)},IP:{host.address},IP:127.0.0.1\n"
    )
    settings, certificate = folder / "request.cnf", folder / "server.crt"
    if settings.exists() and settings.read_text() == request:
        fresh = ["openssl", "x509", "-checkend", str(CERTIFICATE_DAYS // 3 * 86400), "-noout", "-in", str(certificate)]
        if subprocess.run(fresh, capture_output=True, check=False).returncode == 0:
            return folder
    folder.mkdir(parents=True, exist_ok=True)
    settings.write_text(request)
    _openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", str(settings),
        "-keyout", str(folder / "server.key"), "-out", str(folder / "server.csr"),
    )  # fmt: skip
    _openssl(
        "x509", "-req", "-in", str(folder / "server.csr"), "-CA", str(CA / "ca.crt"), "-CAkey", str(CA / "ca.key"),
        "-set_serial", str(int.from_bytes(os.urandom(15), "big")), "-days", str(CERTIFICATE_DAYS), "-sha256",
        "-extfile", str(settings), "-extensions", "v3", "-out", str(certificate),
    )  # fmt: skip
    return folder


# --- hosts -------------------------------------------------------------------------------------------------------


def overlay(host: Host) -> bytes:
    """What is laid over the host's root before it boots, as a tar archive; the same bytes for the same lab files."""
    client, server = SSH / "id_ed25519", SSH / host.fleet / host.name
    _ssh_key(client)
    _ssh_key(server)
    _ca()
    certificate = _certificate(host)
    files = [
        ("root/.ssh/authorized_keys", client.with_suffix(".pub"), 0o600),
        ("etc/ssh/ssh_host_ed25519_key", server, 0o600),
        ("etc/ssl/hospital/ca.crt", CA / "ca.crt", 0o644),
        ("etc/ssl/hospital/server.crt", certificate / "server.crt", 0o644),
        ("etc/ssl/hospital/server.key", certificate / "server.key", 0o600),
    ]
    # An empty unit file masks the service (systemd.unit(5)).
    files += [(f"etc/systemd/system/{service}.service", Path(os.devnull), 0o644) for service in host.masked]
    for state in host.states:
        tree = LAB / "neglected" / state
        files += [(str(path.relative_to(tree)), path, 0o644) for path in sorted(tree.rglob("*")) if not path.is_dir()]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, source, mode in files:
            for parent in reversed(Path(name).parents[:-1]):
                if str(parent) not in archive.getnames():
                    private = parent.name in {".ssh"}
                    entry = tarfile.TarInfo(str(parent))
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o700 if private or str(parent) == "root" else 0o755
                    archive.addfile(entry)
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            if source.is_symlink():
                entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(source)
                archive.addfile(entry)
            else:
                data = source.read_bytes()
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def up(fleet: Fleet, hosts: t.Sequence[Host], fresh: bool) -> None:
    """Bring the hosts up. With ``fresh``, hosts that already run start again from their neglected state."""
    build_images(host.image for host in hosts)
    started = time.monotonic()
    running = {} if fresh else _running(fleet)
    files = {host: overlay(host) for host in hosts}
    labels = {host: hashlib.sha256(repr(host).encode() + files[host]).hexdigest() for host in hosts}
    wanted = [host for host in hosts if running.get(host.container) != labels[host]]
    for host in wanted:
        podman("rm", "--force", "--time", "0", "--ignore", host.container)
    for host in wanted:
        _check_ports(host)
    write_access(fleet)
    if wanted and podman("network", "exists", NETWORK, check=False).returncode:
        podman("network", "create", "--disable-dns", NETWORK)

    def start(host: Host) -> None:
        ports = [f"--publish={host.address}:{outer}:{inner}" for outer, inner in host.published]
        podman(
            "create", "--name", host.container, "--hostname", host.name, "--systemd=always", "--privileged",
            "--network", NETWORK, *ulimits(),
            "--label", f"in-transit-lab={fleet.name}", "--label", f"in-transit-recipe={labels[host]}",
            *ports, host.image.tag,
        )  # fmt: skip
        podman("cp", "-", f"{host.container}:/", input=files[host])
        podman("start", host.container)
        _wait(host)

    together(start, wanted, 8)
    say(
        f"{len(wanted)} of {len(hosts)} hosts started in {time.monotonic() - started:.1f} s: "
        + (", ".join(f"{host.name} ({host.image.name}, {host.address})" for host in wanted) or "all were up")
    )


def _running(fleet: Fleet) -> dict[str, str]:
    """Running containers of the fleet and the recipe each was made by."""
    listed = podman("ps", "--filter", f"label=in-transit-lab={fleet.name}", "--format", "json").stdout
    return {one["Names"][0]: one["Labels"]["in-transit-recipe"] for one in json.loads(listed or b"[]")}


def _check_ports(host: Host) -> None:
    for port, _inner in host.published:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.address, port))
            except OSError as exc:
                # Privileged ports are podman's affair when this is not root.
                if exc.errno == errno.EADDRINUSE:
                    raise LabError(
                        f"{host.name} needs {host.address}:{port}, which a program of this machine holds "
                        f"(see it with: ss -tlnp 'sport = :{port}'). Stop that program, or change the "
                        "address or port in lab/hosts.toml."
                    ) from exc


def _wait(host: Host) -> None:
    """Until every published port answers (and sshd with its banner), which systemd's own state does not tell."""
    deadline = time.monotonic() + BOOT_DEADLINE
    for port, _inner in host.published:
        while True:
            with contextlib.suppress(OSError), socket.create_connection((host.address, port), 1) as connection:
                if port != SSH_PORT or connection.recv(4) == b"SSH-":
                    break
            if time.monotonic() > deadline:
                journal = podman("exec", host.container, "journalctl", "-b", "-p", "err", "-n", "15", check=False)
                raise LabError(
                    f"{host.name}: nothing answers on {host.address}:{port} after {BOOT_DEADLINE} s. "
                    f"Its journal: {_last_lines(journal.stdout, 15)}"
                )
            time.sleep(0.05)


def write_access(fleet: Fleet) -> None:
    """ssh configuration with pinned host keys, and the Ansible inventory of the fleet."""
    config, known = SSH / f"{fleet.name}.config", SSH / f"{fleet.name}.known_hosts"
    for host in fleet.hosts:
        _ssh_key(SSH / fleet.name / host.name)
    keys = {host: (SSH / fleet.name / f"{host.name}.pub").read_text().split()[:2] for host in fleet.hosts}
    known.write_text("".join(f"[{host.address}]:{SSH_PORT} {' '.join(key)}\n" for host, key in keys.items()))
    config.write_text(
        "".join(f"Host {host.name} {host.address}\n  HostName {host.address}\n" for host in fleet.hosts)
        + f"Host *\n  User root\n  Port {SSH_PORT}\n  IdentityFile {SSH / 'id_ed25519'}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {known}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n"
        # A kept connection to a host that was replaced since must notice soon.
        "  ServerAliveInterval 3\n  ServerAliveCountMax 2\n"
    )
    fleet.inventory.mkdir(parents=True, exist_ok=True)
    (fleet.inventory / "hosts.yml").write_text(inventory(fleet, config))


def inventory(fleet: Fleet, config: Path) -> str:
    """The fleet as an Ansible inventory; JSON scalars are YAML scalars."""
    lines = [
        "# Written by lab/lab.py: changes are lost at the next `make lab`.",
        "---",
        "all:",
        "  vars:",
        "    ansible_user: root",
        f"    ansible_port: {SSH_PORT}",
        f"    ansible_ssh_common_args: {json.dumps(f'-F {config}')}",
        "    ansible_python_interpreter: /usr/bin/python3",
        f"    in_transit_ca_path: [{json.dumps(str(CA / 'ca.crt'))}]",
        *(f"    {name}: {json.dumps(value)}" for name, value in fleet.variables.items()),
        "  hosts:",
    ]
    for host in fleet.hosts:
        lines += [f"    {host.name}:", f"      ansible_host: {host.address}"]
        lines.append(f"      in_transit_stacks: {json.dumps(host.groups)}")
        lines.append("      in_transit_endpoints:" + ("" if host.endpoints else " []"))
        lines += [f"        - {json.dumps(endpoint)}" for endpoint in host.endpoints]
    groups = sorted({group for host in fleet.hosts for group in host.groups})
    if groups:
        lines.append("  children:")
    for group in groups:
        lines += [f"    {group}:", "      hosts:"]
        lines += [f"        {host.name}:" for host in fleet.hosts if group in host.groups]
    return "\n".join(lines) + "\n"


def down(fleet: Fleet) -> None:
    """Remove the fleet's hosts. Images, keys and certificates stay for the next time."""
    names = podman("ps", "--all", "--filter", f"label=in-transit-lab={fleet.name}", "--format", "{{.Names}}", text=True)
    containers = names.stdout.split()
    if containers:
        podman("rm", "--force", "--time", "0", *containers)
    say(f"{len(containers)} hosts of the fleet {fleet.name} removed")


def destroy() -> None:
    """Remove every host, image, key, certificate and inventory the lab ever made here."""
    for name in tomllib.loads((LAB / "hosts.toml").read_text())["fleets"]:
        fleet = load(name)
        down(fleet)
        shutil.rmtree(fleet.inventory, ignore_errors=True)
    listed = podman(
        "images", "--filter", f"reference={REPOSITORY}/*", "--format", "{{.Repository}}:{{.Tag}}", text=True
    )
    images = listed.stdout.split()
    if images:
        podman("rmi", "--force", *images)
    podman("network", "rm", "--force", NETWORK, check=False)
    shutil.rmtree(STATE, ignore_errors=True)
    say(f"{len(images)} images, the keys and the certificates removed")


def status(fleet: Fleet) -> int:
    """One line per host; 0 when all run."""
    running = _running(fleet)
    for host in fleet.hosts:
        state = "up" if host.container in running else "down"
        print(f"{host.name:12} {host.image.name:10} {host.address:14} {state:5} {' '.join(host.endpoints)}")
    return 0 if len(running) == len(fleet.hosts) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Throw-away hosts for demonstrations and tests.")
    parser.add_argument("--fleet", default="lab", help="a fleet of lab/hosts.toml (default: lab)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("images", "build the images that are missing"),
        ("up", "start the hosts that are not running; the others keep their state"),
        ("reset", "(re)start the hosts in their neglected state"),
        ("down", "remove the hosts"),
        ("status", "tell which hosts run; exit status 1 when not all do"),
        ("destroy", "remove hosts, images, keys and inventories of all fleets"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        if name in {"up", "reset"}:
            command.add_argument("hosts", nargs="*", metavar="HOST", help="only these (default: all)")
    options = parser.parse_args()
    try:
        if not shutil.which("podman"):
            raise LabError("podman is not installed; `make lab` installs it, or: apt-get install podman")
        STATE.mkdir(parents=True, exist_ok=True)
        fleet = load(options.fleet)
        with (STATE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return run(options, fleet)
    except LabError as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return 1


def run(options: argparse.Namespace, fleet: Fleet) -> int:
    if options.command in {"up", "reset"}:
        unknown = set(options.hosts) - {host.name for host in fleet.hosts}
        if unknown:
            raise LabError(f"no such host in the fleet {fleet.name}: {', '.join(sorted(unknown))}")
        hosts = [host for host in fleet.hosts if not options.hosts or host.name in options.hosts]
        up(fleet, hosts, fresh=options.command == "reset")
    elif options.command == "images":
        build_images(host.image for host in fleet.hosts)
    elif options.command == "down":
        down(fleet)
    elif options.command == "destroy":
        destroy()
    else:
        return status(fleet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
