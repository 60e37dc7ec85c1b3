# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every stack tells the rest of the collection, and nothing more.

A stack is knowledge about one kind of server software. The generic transaction
(``transaction.py``) gives each of them locking, journal, validation, reload, proof and rollback;
the generic judge (``findings``) reads listeners of all stacks alike.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ..baseline.model import Baseline, Capabilities, Clamp
    from .handshakes import Logged
    from .host import Host


class Provenance(t.NamedTuple):
    """Where a setting comes from. A built-in default has no ``file``, ``line`` 0, and is named by ``text``."""

    file: str
    line: int
    text: str


class Setting(t.NamedTuple):
    """One effective setting: its value in the normal form of :class:`Listener`, and every place that made it so."""

    value: t.Any
    provenance: tuple[Provenance, ...]


class Listener(t.NamedTuple):
    """An address a stack serves (``role`` server) or a connection it opens (``role`` client), with effective settings.
    Of role ``floor``: what a library gives to every program that sets nothing of its own, serving and connecting.

    ``settings`` uses these keys in every stack, so that one judge reads them all; what is not known is left out:

    =====================  ==========================================================================================
    ``protocols``          tuple of protocol ids (``baseline.model.PROTOCOLS``), oldest first
    ``suites_tls12``       tuple of IANA names accepted up to TLS 1.2, in the server's order
    ``suites_tls13``       tuple of IANA names accepted with TLS 1.3
    ``groups``             tuple of IANA group names
    ``signature_schemes``  tuple of IANA names; only for ``role`` floor
    ``session_tickets``    ``off``, ``rotated`` or ``static``
    ``hsts_max_age``       seconds, 0 when the header is absent somewhere under the listener
    ``plaintext``          ``served``, ``redirected`` or ``refused``; where ``tls`` is false, and where a connection
                           begins without TLS: whether work goes on when nobody asks for it
    ``peer_verification``  bool; only for ``role`` client
    ``certificates``       tuple of paths
    ``keys``               tuple of paths of private keys; none where they stand in the same files
    ``trust``              tuple of paths of the certificates by which peers are verified, files and folders
    =====================  ==========================================================================================

    ``endpoints`` are URIs by which the host itself can reach the listener for a handshake (loopback for wildcard
    addresses), one per name that may behave differently; empty when it cannot be probed. Those of role ``floor`` are
    names for :meth:`Stack.opened` and :meth:`Stack.offered`.
    """

    stack: str
    context: str
    role: str
    address: str
    names: tuple[str, ...]
    is_default: bool
    tls: bool
    settings: dict[str, Setting]
    endpoints: tuple[str, ...]


class Kept(t.NamedTuple):
    """What approved exceptions keep at a listener as it is found: never a reason to add or to loosen anything.

    ``checks`` are ids of checks whose settings stay; ``protocols`` and ``names`` (of suites and groups) stay where
    they are on. ``ids`` are those of the exceptions, for messages.
    """

    ids: tuple[str, ...] = ()
    checks: frozenset[str] = frozenset()
    protocols: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def __or__(self, other: Kept) -> Kept:
        """Both together."""
        return Kept(tuple(dict.fromkeys(self.ids + other.ids)), *(mine | its for mine, its in zip(self[1:], other[1:])))


class Document(t.NamedTuple):
    """One file the daemon really reads. ``tree`` is the stack's own lossless parse of ``data``."""

    path: str
    data: bytes
    tree: t.Any


class Edit(t.NamedTuple):
    """Replace ``document.data[start:end]`` by ``replacement``. ``check`` is the check, or the option, that demands it.

    With ``line`` 0 it is about the file as a whole, and the only edit of that path: :meth:`creation` names a path that
    no document has and nothing else may have either, :meth:`removal` has no ``replacement``.
    """

    path: str
    start: int
    end: int
    replacement: bytes | None
    line: int
    check: str
    reason: str

    @classmethod
    def creation(cls, path: str, data: bytes, check: str, reason: str) -> Edit:
        """A new file with these bytes, readable by all; folders above it that are missing are made."""
        return cls(path, 0, 0, data, 0, check, reason)

    @classmethod
    def removal(cls, document: Document, check: str, reason: str) -> Edit:
        """The file of a document goes. A symbolic link to it is refused: it would be left without its end."""
        return cls(document.path, 0, len(document.data), None, 0, check, reason)


class Unmended(t.NamedTuple):
    """Something that breaks the baseline and was left alone on purpose, with the reason and the way to mend it."""

    check: str
    provenance: Provenance
    reason: str


class Remark(t.NamedTuple):
    """What a stack saw on the host that no listener tells: a finding of view ``effective`` about the whole instance.

    ``status`` is ``pass``, ``fail``, ``indeterminate`` or ``not_applicable``; an empty ``mend`` is the catalogue's.
    """

    check: str
    status: str
    observed: str
    provenance: tuple[Provenance, ...]
    mend: str = ""


class Plan(t.NamedTuple):
    """What would make the documents right. No edits and nothing unmended: the files already hold the baseline."""

    edits: tuple[Edit, ...]
    clamps: tuple[Clamp, ...]
    unmended: tuple[Unmended, ...]


class Instance(t.NamedTuple):
    """One installed (and perhaps running) copy of the software.

    ``facts`` holds what only the stack itself understands (paths, module lists, master process id).
    """

    stack: str
    name: str
    version: tuple[int, ...]
    config: str
    capabilities: Capabilities
    running: bool
    facts: dict[str, t.Any]


class TestResult(t.NamedTuple):
    """The daemon's own judgement of its configuration: ``ok``, its words, and the warnings among them."""

    ok: bool
    output: str
    warnings: tuple[str, ...]


class ExportFile(t.NamedTuple):
    """One redacted file for the evidence. ``name`` is a relative path, for a document one that ends in its own
    path; ``redactions`` counts what was taken out."""

    name: str
    text: str
    redactions: int


class Stack:
    """The surface of a stack. Subclasses are stateless: all state is in the arguments."""

    name = ""
    #: What people call the software, for messages.
    title = ""
    #: What :meth:`reload` does to the daemon, for messages: software that cannot load its files is started anew.
    reloads = "reloaded"

    def discover(self, host: Host) -> list[Instance]:
        """Instances installed on the host; empty when the software is absent. Reads only."""
        raise NotImplementedError

    def meant(self, instance: Instance, options: t.Mapping[str, t.Any]) -> bool:
        """Whether the options ask for this instance at all."""
        return True

    def read(self, host: Host, instance: Instance) -> list[Document]:
        """Every file the daemon would read, main file first. Raises ConfigurationError naming file, line and column."""
        raise NotImplementedError

    def edited(self, documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
        """The documents as :meth:`read` would give them after the edits, for check mode. Pure."""
        raise NotImplementedError

    def effective(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        """Listeners with effective settings under the inheritance rules of the instance's version. Pure."""
        raise NotImplementedError

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        """The smallest change by which the documents hold the baseline. Pure; planning its result again: no edit.

        ``options["exceptions"]`` is a function (port, server names) -> :class:`Kept`; without it nothing is kept.
        """
        raise NotImplementedError

    def test(self, host: Host, instance: Instance) -> TestResult:
        """Run the daemon's own test on the configuration as it stands on disk (or in the caller's mount namespace)."""
        raise NotImplementedError

    def test_command(self, instance: Instance) -> list[str]:
        """argv of the daemon's own configuration test; exit status 0 means valid."""
        raise NotImplementedError

    def written(self, host: Host, instance: Instance) -> None:
        """Files have just been written or brought back: tell whoever keeps what it read of them, such as a service
        manager. The daemon itself is told by :meth:`reload`. Raises TransactionError."""

    def generation(self, host: Host, instance: Instance) -> t.Any:
        """An equality-comparable token of the running worker generation, or None when not running.

        A daemon's is a tuple, of tuples where there are several, of (pid, start), its main process first.
        """
        raise NotImplementedError

    def reload(self, host: Host, instance: Instance) -> None:
        """Let the running daemon load its files, without dropping connections where it can. Raises TransactionError."""
        raise NotImplementedError

    def start(self, host: Host, instance: Instance) -> None:
        """Start the daemon that ran before and ended meanwhile, the way it was run. Raises TransactionError."""
        raise NotImplementedError

    def settled(self, host: Host, instance: Instance, before: t.Any) -> bool:
        """Whether the generation after a reload has replaced ``before`` and serves new connections."""
        raise NotImplementedError

    def remarks(self, host: Host, instance: Instance) -> list[Remark]:
        """What there is to tell beside listeners. Reads only."""
        return []

    def opened(self, host: Host, instance: Instance, endpoint: str) -> t.ContextManager[str] | None:
        """An endpoint of role ``floor`` as a URI that is served while the context lasts; None when it is a client's.

        Entering raises TransactionError when it cannot be served.
        """
        raise NotImplementedError

    def offered(self, host: Host, instance: Instance, endpoint: str) -> bytes:
        """What the client that an endpoint of role ``floor`` names sends first, empty when nothing came."""
        raise NotImplementedError

    def handshakes(self, instance: Instance, documents: t.Sequence[Document]) -> Logged:
        """Where the instance tells which clients shook hands with it, and what it does not tell. Pure."""
        from .handshakes import Logged

        reason = f"the logs of {self.title} are not read"
        return Logged((), tuple((one, reason) for one in self.effective(instance, documents) if one.tls))

    def export(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        """The effective configuration for the evidence, secrets redacted and counted."""
        raise NotImplementedError
