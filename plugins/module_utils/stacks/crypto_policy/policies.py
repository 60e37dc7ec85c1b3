# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts whose libraries ``update-crypto-policies`` manages, the RHEL family: a policy, and our subpolicy on top of it.

The command generates the back-ends of all libraries from what ``config`` names: a base policy (``.pol``) and
subpolicies (``.pmod``), of which the last word counts (crypto-policies(7), update-crypto-policies(8)). We write our
subpolicy, name it last, and let the command generate. Four ways of calling it are used, and no others: without
arguments (generate), ``--show``, ``--is-applied``, and ``--check``, which RHEL 8 does not have.

OpenSSL's back-end gets a line more from ``local.d``: no policy can switch DHE off there and leave ECDHE with RSA
certificates on.

No host of that family is among those this was proved on; what stands here is held against the command's source, and
tests run against a double of the command. ``playbooks/selfcheck.yml`` is the proof on a host of yours.
"""

from __future__ import annotations

import re
import typing as t

from ...baseline.dialects import crypto_policies as dialect
from ...baseline.dialects import openssl as openssl_dialect
from ...baseline.model import PROTOCOLS, Capabilities, Clamp
from ...errors import BaselineError, ConfigurationError, TransactionError
from ..contract import Document, Edit, ExportFile, Instance, Listener, Plan, Provenance, Remark, Setting, Unmended
from . import grammar, openssh
from .floor import STACK, Floor, Unasked, discovered, whole
from .gnutls import GnuTLS
from .java import Java
from .openssl import Config, OpenSSL

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..host import Completed, Host

COMMAND = "update-crypto-policies"
MODULE = "IN-TRANSIT"

_ETC, _SHARE = "/etc/crypto-policies", "/usr/share/crypto-policies"
_CONFIG = f"{_ETC}/config"
_MODULE_PATH = f"{_ETC}/policies/modules/{MODULE}.pmod"
_LOCAL = f"{_ETC}/local.d"
_LOCAL_OPENSSL = f"{_LOCAL}/opensslcnf-{MODULE}.config"
_FIPS = "/proc/sys/crypto/fips_enabled"

_HEAD = "# Written by encryption.in_transit from its baseline; changes are overwritten."

#: Properties whose words are collected, under the name they have without a scope.
_PROPERTIES = {"tls_cipher": "cipher", "ssh_cipher": "cipher", "ssh_group": "group"}


class Named(t.NamedTuple):
    """What ``config`` names: the base policy, the subpolicies in order, and the line of the first word."""

    base: str
    modules: tuple[str, ...]
    line: int

    @property
    def text(self) -> str:
        return ":".join((self.base, *self.modules))


def named(data: bytes) -> Named:
    """The policy in a ``config`` file, as the command reads it: upper case, comments out, later lines add modules."""
    words: list[str] = []
    first = 0
    for number, raw in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        line = raw.partition("#")[0].strip().upper()
        if line:
            first = first or number
            words += [word for word in line.split(":") if word]
    return Named(words[0] if words else "", tuple(words[1:]), first)


class CryptoPolicies(Floor):
    """The system-wide policy."""

    name = "crypto-policies"

    # --- reading ------------------------------------------------------------------------------------------------------

    def discover(self, host: Host) -> list[Instance]:
        if host.which(COMMAND) is None or not host.exists(_CONFIG):
            return []
        libraries = [instance for floor in (OpenSSL(), GnuTLS(), Java()) for instance in discovered(floor, host)]
        done = host.run(["rpm", "-q", "--queryformat", "%{VERSION}", "crypto-policies"])
        version = tuple(map(int, re.findall(r"\d+", done.stdout)[:1])) if done.rc == 0 else ()
        told = {
            "floor": self.name,
            "libraries": {one.name: one for one in libraries},
            "programs": [],
            "fips": self._fips(host),
            "section": self._section(host, libraries),
            **openssh.facts(host),
        }
        # What the policies have words for is a matter of their files (see plan).
        capabilities = Capabilities("crypto-policies", version or (0,), PROTOCOLS, None, None, frozenset())
        return [Instance(STACK, self.name, version or (0,), _CONFIG, capabilities, True, told)]

    def _fips(self, host: Host) -> bool:
        try:
            return host.read(_FIPS).strip() == b"1"
        except OSError:
            return False

    def _section(self, host: Host, libraries: t.Iterable[Instance]) -> str:
        """The section of openssl.cnf that includes the back-end, which lines of local.d must name."""
        for instance in libraries:
            if instance.facts["floor"] == "openssl":
                chain = Config(OpenSSL().read(host, instance)).chain()
                if len(chain) == 3:
                    return chain[-1][2]
        return "crypto_policy"

    def read(self, host: Host, instance: Instance) -> list[Document]:
        """``config``, the policies it names, our files, the marker of what was generated, and what is in local.d.

        Raises ConfigurationError for a policy that is not installed, and for subpolicies that contradict each other.
        """
        installed = self._installed(host)
        config = self._document(host, _CONFIG)
        found = [config]
        names = named(config.data)
        if not names.base:
            raise ConfigurationError(_CONFIG, 0, 0, "names no policy")
        paths = [self._path(host, names, f"{names.base}.pol", installed)]
        paths += [self._path(host, names, f"modules/{name}.pmod", installed) for name in names.modules]
        paths += [_MODULE_PATH, f"{_ETC}/state/current", f"{_ETC}/back-ends/opensslcnf.config"]
        # NSS reads it and cannot be asked; the evidence has it.
        paths += [f"{_ETC}/back-ends/nss.config", *host.glob(f"{_LOCAL}/*.config")]
        for path in dict.fromkeys(paths):
            if host.exists(path):
                found.append(self._document(host, path))
        _agree([one for one in found if one.path.endswith(".pmod") and one.path != _MODULE_PATH])
        config.tree.outside.update(self._words(host, installed), installed=installed)
        return found

    def _document(self, host: Host, path: str) -> Document:
        try:
            data = host.read(path)
        except OSError as error:
            raise ConfigurationError(path, 0, 0, f"cannot be read: {error.strerror}") from error
        if path.endswith((".pol", ".pmod")):
            return grammar.document(path, data, grammar.POLICY)
        if path.endswith("opensslcnf.config"):
            return grammar.document(path, data, grammar.OPENSSL)
        return grammar.document(path, data, grammar.PLAIN)

    def _installed(self, host: Host) -> list[str]:
        """Paths of all policies and modules; local ones come first, and hide those of the packages."""
        return [
            path
            for root in (_ETC, _SHARE)
            for sub in ("*.pol", "modules/*.pmod")
            for path in host.glob(f"{root}/policies/{sub}")
        ]

    def _path(self, host: Host, names: Named, name: str, installed: t.Sequence[str]) -> str:
        for root in (_ETC, _SHARE):
            if f"{root}/policies/{name}" in installed:
                return f"{root}/policies/{name}"
        kind = name.rpartition(".")[2]
        known = sorted({path.rpartition("/")[2].rpartition(".")[0] for path in installed if path.endswith(kind)})
        what = name.rpartition("/")[2].rpartition(".")[0]
        if what == MODULE:
            return _MODULE_PATH
        raise ConfigurationError(
            _CONFIG, names.line, 0, f"names the policy {what}, for which there is no file; there is {', '.join(known)}"
        )

    def _words(self, host: Host, installed: t.Sequence[str]) -> dict[str, t.Any]:
        """What the packages' policies have words for, by property, and whether properties have scopes there."""
        words: dict[str, set[str]] = {}
        by_policy: dict[str, dict[str, set[str]]] = {}
        scoped = False
        for path in installed:
            if not path.startswith(_SHARE):
                continue
            mine = by_policy.setdefault(path.rpartition("/")[2], {})
            for entry in self._document(host, path).tree.entries:
                prop, at, _scope = entry.name.partition("@")
                scoped = scoped or bool(at)
                prop = _PROPERTIES.get(prop, prop)
                for word in entry.value.split():
                    words.setdefault(prop, set()).add(word.strip("+-"))
                    mine.setdefault(prop, set()).add(word.strip("+-"))
        return {"words": words, "by_policy": by_policy, "scoped": scoped}

    # --- what it means ------------------------------------------------------------------------------------------------

    def settings(self, instance: Instance, documents: t.Sequence[Document]) -> dict[str, Setting]:
        """What the configured policy gives: by our module where it has the last word, else by what was generated."""
        by_path = {document.path: document for document in documents}
        names = named(documents[0].data)
        module = by_path.get(_MODULE_PATH)
        if module is not None and names.modules[-1:] == (MODULE,):
            lines = {entry.name: entry.value for entry in module.tree.entries}
            place = {entry.name: entry.place for entry in module.tree.entries}
            keys = {"protocols": ("protocol@TLS", "min_tls_version"), "groups": ("group@TLS",)}
            return {
                key: Setting(value, tuple(place[name] for name in keys[key] if name in place))
                for key, value in dialect.values(lines).items()
            }
        back_end = by_path.get(f"{_ETC}/back-ends/opensslcnf.config")
        if back_end is None:
            return {}
        for entry in back_end.tree.entries:
            if entry.name.split(".")[-1].lower() == "minprotocol" and not entry.name.lower().startswith("dtls"):
                word = entry.value.replace("TLSv1", "TLSv1.0") if entry.value == "TLSv1" else entry.value
                if word in PROTOCOLS:
                    return {"protocols": Setting(PROTOCOLS[PROTOCOLS.index(word) :], (entry.place,))}
        return {}

    def listeners(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        """The policy, and under it every library and program, each of which may have a configuration of its own."""
        found = [
            Listener(
                STACK, self.name, "floor", "", (), True, True, self.settings(instance, documents), self._asked(instance)
            )
        ]
        for floor, library in self._libraries(instance):
            for listener in floor.listeners(library, []):
                endpoints = [endpoint.rpartition("/")[2] for endpoint in listener.endpoints]
                if listener.context != library.capabilities.library:
                    own = tuple(self.endpoint(instance, f"{library.name}/{name}") for name in endpoints)
                    found.append(listener._replace(settings={}, endpoints=own))
        return found

    def _asked(self, instance: Instance) -> tuple[str, ...]:
        return tuple(
            self.endpoint(instance, f"{library.name}/{role}")
            for floor, library in self._libraries(instance)
            for role in floor.roles(library)
        )

    def _libraries(self, instance: Instance) -> list[tuple[Floor, Instance]]:
        floors: dict[str, Floor] = {one.name: one for one in (OpenSSL(), GnuTLS(), Java(), Unasked())}
        return [(floors[one.facts["floor"]], one) for one in instance.facts["libraries"].values()]

    def served(self, host: Host, instance: Instance) -> t.ContextManager[str]:
        raise TransactionError("prove", "a policy does not serve; its libraries do")

    def library(self, instance: Instance, endpoint: str) -> tuple[Floor, Instance]:
        """Whose endpoint it is."""
        name = endpoint[len(self.endpoint(instance, "")) :].rpartition("/")[0]
        return next((floor, one) for floor, one in self._libraries(instance) if one.name == name)

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        """Our module, its name at the end of ``config``, and OpenSSL's suites in local.d.

        Raises BaselineError for a base policy that was asked for and is not there, or is weaker than the baseline.
        """
        outside = documents[0].tree.outside
        names = named(documents[0].data)
        base, unmended = self._base(instance, documents, baseline, str(options.get("policy") or "").upper())
        words = outside["by_policy"].get("FIPS.pol", outside["words"]) if base.startswith("FIPS") else outside["words"]
        module = dialect.module(baseline, words, outside["scoped"])
        clamps = _clamps(baseline, module.lost)
        if options.get("ssh"):
            module.lines.extend(self._ssh(instance, baseline, words, outside["scoped"], options))
        edits = []
        text = "\n".join([_HEAD, *module.lines]) + "\n"
        reason = "the policy must say what the baseline does"
        edits += whole(documents, _MODULE_PATH, text, "floor.protocols", reason)
        modules = tuple(name for name in names.modules if name != MODULE)
        wanted = ":".join((base, *modules, MODULE))
        if wanted != names.text:
            reason = f"{MODULE} must have the last word" if MODULE in names.modules else f"the policy is {names.text}"
            edits += _rename(documents[0].data, wanted, reason)
        if baseline.suites_tls12 and not base.startswith("FIPS"):
            usable = [name for name in baseline.suites_tls12 if ("suites_tls13", name) not in module.lost]
            lines = [_HEAD, f"[{instance.facts['section']}]", f"CipherString = {openssl_dialect.cipher_list(usable)}"]
            reason = "no policy switches DHE off in OpenSSL and leaves ECDHE with RSA certificates on"
            edits += whole(documents, _LOCAL_OPENSSL, "\n".join(lines) + "\n", "floor.suites", reason)
        return Plan(tuple(edits), clamps, tuple(unmended))

    def _ssh(
        self,
        instance: Instance,
        baseline: Baseline,
        words: t.Mapping[str, t.Container[str]],
        scoped: bool,
        options: t.Mapping[str, t.Any],
    ) -> list[str]:
        """Lines for OpenSSH. Raises BaselineError where policies have no scopes; TransactionError, see openssh.py."""
        if not scoped:
            raise BaselineError("ssh", "these policies have no scopes: what is set for SSH is set for all else, too")
        openssh.guarded(instance, baseline, options)
        return dialect.ssh_lines(baseline, words)

    def _base(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, asked: str
    ) -> tuple[str, list[Unmended]]:
        names = named(documents[0].data)
        place = Provenance(_CONFIG, names.line, names.text)
        if instance.facts["fips"] or names.base.startswith("FIPS"):
            if asked and not asked.startswith("FIPS"):
                reason = f"FIPS mode is kept, and with it the policy {names.base}; {asked} is not set"
                return names.base, [Unmended("config.override", place, reason)]
            return names.base, []
        base = asked or names.base
        known = documents[0].tree.outside["by_policy"]
        local = [path for path in documents[0].tree.outside["installed"] if path.endswith(f"/{base}.pol")]
        if asked and not local:
            there = ", ".join(sorted(name[:-4] for name in known if name.endswith(".pol")))
            raise BaselineError("policy", f"{asked} is not installed (there is {there})")
        spoken = known.get(f"{base}.pol", {})
        weak = [
            name
            for name in baseline.forbidden_protocols
            if {dialect.PROTOCOLS[name]} & (spoken.get("protocol", set()) | spoken.get("min_tls_version", set()))
        ]
        if weak and asked:
            raise BaselineError("policy", f"{asked} is weaker than the baseline: it allows {', '.join(weak)}")
        if weak:
            reason = (
                f"our subpolicy is about TLS; for SSH and all else {base} stays, which is weak: choose another base"
            )
            return base, [Unmended("config.override", place, reason)]
        return base, []

    # --- the command --------------------------------------------------------------------------------------------------

    def test_command(self, instance: Instance) -> list[str]:
        return [COMMAND, "--check"]

    def problems(self, host: Host, instance: Instance) -> list[str]:
        """Whether the command can read what is configured. That it differs from what was generated is no problem."""
        done = host.run([COMMAND, "--check"])
        said = (done.stdout + done.stderr).strip()
        if done.rc == 0 or "does NOT match" in said or _is_unknown(done):
            return []
        return [said or f"{COMMAND} --check ended with status {done.rc}"]

    def generation(self, host: Host, instance: Instance) -> t.Any:
        """What was generated last: the policy's dump."""
        try:
            return host.read(f"{_ETC}/state/CURRENT.pol").decode("utf-8", "replace")
        except OSError:
            return ""

    def reload(self, host: Host, instance: Instance) -> None:
        done = host.run([COMMAND], timeout=120)
        if done.rc != 0:
            said = (done.stderr + done.stdout).strip()
            raise TransactionError("reload", f"{COMMAND} failed with status {done.rc}", output=said)

    def settled(self, host: Host, instance: Instance) -> bool:
        return host.run([COMMAND, "--is-applied"]).rc == 0

    def remarks(self, host: Host, instance: Instance) -> list[Remark]:
        """Whether what is configured, what was generated and what is on disk are one; and what changes it by hand."""
        check = "policy.consistent"
        names = named(host.read(_CONFIG))
        wrong = []
        try:
            current = named(host.read(f"{_ETC}/state/current")).text
        except OSError:
            current = "nothing"
        if current != names.text:
            wrong.append(f"{names.text} is configured and {current} was generated")
        if host.run([COMMAND, "--is-applied"]).rc != 0:
            wrong.append("the configuration is newer than what was generated")
        done = host.run([COMMAND, "--check"])
        if done.rc != 0 and not _is_unknown(done):
            wrong.append((done.stderr + done.stdout).strip())
        status = "fail" if wrong else "pass"
        found = [Remark(check, status, "; ".join(wrong) or f"{names.text}, configured, generated and on disk", ())]
        for path in host.glob(f"{_LOCAL}/*.config"):
            if path != _LOCAL_OPENSSL:
                text = f"{path} adds to what the policy gives"
                found.append(Remark("config.override", "fail", text, (Provenance(path, 0, "local override"),)))
        return found

    def exports(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        told = "".join(f"{one.name}: {one.facts.get('said', '')}\n" for _floor, one in self._libraries(instance))
        return [ExportFile("libraries.txt", told, 0)]


def _agree(modules: t.Iterable[Document]) -> None:
    """Raise ConfigurationError when one subpolicy switches on what another one switches off: which of them was meant is
    not ours to guess, and the order of words in ``config`` decides without one."""
    said: dict[tuple[str, str, bool], Provenance] = {}
    for module in modules:
        for entry in module.tree.entries:
            for word in entry.value.split():
                if word[0] not in "+-" and not word.endswith("+"):
                    continue  # an assignment says all there is
                on, name = not word.startswith("-"), word.strip("+-")
                other = said.get((entry.name, name, not on))
                if other is not None and other.file != module.path:
                    what = f"switches {name} {'on' if on else 'off'}, and {other.file}:{other.line} the other way"
                    raise entry.tree.error(entry.start, f'"{entry.text}" {what}: take one of them out of {_CONFIG}')
                said[entry.name, name, on] = entry.place


def _is_unknown(done: Completed) -> bool:
    """Whether the command does not have that option (argparse ends with status 2)."""
    return done.rc == 2 and "unrecognized arguments" in done.stderr


def _rename(data: bytes, wanted: str, reason: str) -> list[Edit]:
    """Edits that let ``config`` name another policy: in its first line that is no comment, and in no other."""
    found: list[Edit] = []
    at = 0
    for number, raw in enumerate(data.splitlines(keepends=True), 1):
        words = raw.partition(b"#")[0]
        start = at + len(words) - len(words.lstrip())
        end = at + len(words.rstrip())
        at += len(raw)
        if words.strip():
            text = b"" if found else wanted.encode("ascii")
            found.append(Edit(_CONFIG, start, end, text, number, "floor.protocols", reason))
    return found


def _clamps(baseline: Baseline, lost: t.Iterable[tuple[str, str]]) -> tuple[Clamp, ...]:
    found = []
    for part, check in (("suites_tls13", "suite.clamped"), ("groups", "group.clamped")):
        names = [name for kind, name in lost if kind == part]
        if names:
            all_names = list(getattr(baseline, part))
            left = [name for name in all_names if name not in names]
            reason = f"the installed policies have no word for {', '.join(names)}"
            found.append(Clamp(check, " ".join(all_names), " ".join(left), reason))
    return tuple(found)
