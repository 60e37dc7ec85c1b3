# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operating system's settings for TLS libraries as a stack: one instance for each library, or for the policy that
manages them all. The thinking is in the files beside.
"""

from __future__ import annotations

import typing as t

from .. import exporting
from ..contract import Document, Edit, ExportFile, Instance, Listener, Plan, Remark, Stack, TestResult
from .floor import STACK, discovered

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..host import Host
    from .floor import Floor

#: Module options of this stack alone, beside those of all stacks (argument spec).
OPTIONS: dict[str, t.Any] = {
    "policy": {"type": "str", "default": ""},
    "security_level": {"type": "str", "default": "report", "choices": ["report", "mend"]},
    "ssh": {"type": "bool", "default": False},
    "ssh_client": {
        "type": "dict",
        "options": {
            keyword: {"type": "list", "elements": "str", "no_log": False}  # host key algorithms are no secret
            for keyword in ("kexalgorithms", "hostkeyalgorithms", "ciphers", "macs")
        },
    },
}


def _floors() -> dict[str, Floor]:
    from .floor import Unasked
    from .gnutls import GnuTLS
    from .java import Java
    from .openssh import OpenSSH
    from .openssl import OpenSSL
    from .policies import CryptoPolicies

    return {one.name: one for one in (CryptoPolicies(), OpenSSL(), GnuTLS(), Java(), OpenSSH(), Unasked())}


def _floor(instance: Instance) -> Floor:
    return _floors()[instance.facts["floor"]]


class CryptoPolicy(Stack):
    """The stack of the system's TLS libraries.

    ``options`` of :meth:`plan`:

    ==================  ===============================================================================================
    ``overrides``       ``mend`` (default) edits included files too; ``report`` leaves and reports them; ``fail`` raises
                        ConfigurationError for the first of them
    ``policy``          base policy where update-crypto-policies manages the libraries; empty keeps the one configured
    ``security_level``  an OpenSSL security level below 2 that somebody has set: ``report`` (default), for a service
                        may have a certificate that needs it, or ``mend``
    ``ssh``             whether OpenSSH's algorithm lists are meant, too (``False``)
    ``ssh_client``      what the client offers by which this host is managed over SSH: names by keyword in lower case
    ==================  ===============================================================================================
    """

    name = STACK
    title = "the system's crypto policy"
    reloads = "in force for programs that start from now on"

    def discover(self, host: Host) -> list[Instance]:
        floors = _floors()
        # Where one policy manages them all, their files are generated.
        found = floors["crypto-policies"].discover(host)
        for name in ("openssl", "gnutls", "java") if not found else ():
            found += discovered(floors[name], host)
        return [*found, *floors["openssh"].discover(host)]

    def meant(self, instance: Instance, options: t.Mapping[str, t.Any]) -> bool:
        return instance.name != "openssh" or bool(options.get("ssh"))

    def read(self, host: Host, instance: Instance) -> list[Document]:
        return _floor(instance).read(host, instance)

    def edited(self, documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
        from . import grammar

        return grammar.edited(documents, edits)

    def effective(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        return _floor(instance).listeners(instance, documents)

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        return _floor(instance).plan(instance, documents, baseline, options)

    def test_command(self, instance: Instance) -> list[str]:
        return _floor(instance).test_command(instance)

    def test(self, host: Host, instance: Instance) -> TestResult:
        from . import guard
        from .peer import IGNORED

        said = _floor(instance).problems(host, instance)
        ignored = tuple(text for text in said if text.startswith(IGNORED))
        found = [text for text in said if text not in ignored]
        cut = [] if found else guard.problems(host)
        words = "\n".join(found + cut) or "the library takes its configuration, and OpenSSH starts with it"
        return TestResult(not found and not cut, words, ignored)

    def generation(self, host: Host, instance: Instance) -> t.Any:
        return _floor(instance).generation(host, instance)

    def reload(self, host: Host, instance: Instance) -> None:
        _floor(instance).reload(host, instance)

    def start(self, host: Host, instance: Instance) -> None:
        self.reload(host, instance)

    def settled(self, host: Host, instance: Instance, before: t.Any) -> bool:
        return _floor(instance).settled(host, instance)

    def opened(self, host: Host, instance: Instance, endpoint: str) -> t.ContextManager[str] | None:
        floor, library = _floor(instance).library(instance, endpoint)
        return floor.served(host, library) if floor.speaks_tls and endpoint.endswith("/server") else None

    def offered(self, host: Host, instance: Instance, endpoint: str) -> bytes:
        floor, library = _floor(instance).library(instance, endpoint)
        return floor.offers(host, library, endpoint.rpartition("/")[2])

    def remarks(self, host: Host, instance: Instance) -> list[Remark]:
        from . import services

        return [*_floor(instance).remarks(host, instance), *services.remarks(host, instance)]

    def export(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        return [
            exporting.listeners(self.effective(instance, documents)),
            *_floor(instance).exports(instance, documents),
            *(exporting.document(document, ()) for document in documents),
        ]
