# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each library of a host has to tell, so that one stack carries them all: one instance for each."""

from __future__ import annotations

import typing as t

from ...baseline.model import Capabilities
from ...errors import TransactionError
from ..contract import Edit, Instance, Listener, Plan, Setting
from . import asking

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..contract import Document, ExportFile, Remark
    from ..host import Host

STACK = "crypto_policy"

#: Endpoints that exist only while somebody asks: ``floor://LIBRARY/server``, ``/client`` and one for each program.
SCHEME = "floor://"


class Floor:
    """One library. Subclasses are stateless, as stacks are."""

    name = ""

    #: Whether its server can be scanned. Of one that cannot, what it says first is all that is asked.
    speaks_tls = True

    def discover(self, host: Host) -> list[Instance]:
        raise NotImplementedError

    def read(self, host: Host, instance: Instance) -> list[Document]:
        raise NotImplementedError

    def settings(self, instance: Instance, documents: t.Sequence[Document]) -> dict[str, Setting]:
        """What the files give to programs that set nothing, by the keys of ``contract.Listener``. Pure."""
        raise NotImplementedError

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        raise NotImplementedError

    def problems(self, host: Host, instance: Instance) -> list[str]:
        """What the library itself has against its files as they stand."""
        return asking.problems(host, self.name)

    def test_command(self, instance: Instance) -> list[str]:
        return asking.check_command(self.name)

    def generation(self, host: Host, instance: Instance) -> t.Any:
        """Programs read the files when they start: there is nobody to be told, and the library is always there."""
        return (self.name,)

    def reload(self, host: Host, instance: Instance) -> None:
        """Nothing to do, see :meth:`generation`."""

    def settled(self, host: Host, instance: Instance) -> bool:
        return True

    def remarks(self, host: Host, instance: Instance) -> list[Remark]:
        """What no listener tells. Reads only."""
        return []

    def library(self, instance: Instance, endpoint: str) -> tuple[Floor, Instance]:
        """Whose endpoint it is."""
        return self, instance

    def exports(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        """What the evidence gets beside listeners and files."""
        return []

    # --- asking -------------------------------------------------------------------------------------------------------

    def roles(self, instance: Instance) -> tuple[str, ...]:
        """In which roles the library itself can be asked: ``server``, ``client``."""
        return ("server", "client")

    def endpoint(self, instance: Instance, name: str) -> str:
        return f"{SCHEME}{instance.name}/{name}"

    def listeners(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        """The library as it is for programs that set nothing, and the programs, of which no file tells for sure."""
        endpoints = tuple(self.endpoint(instance, role) for role in self.roles(instance))
        library = instance.capabilities.library
        found = [listener(library, self.settings(instance, documents), endpoints)]
        for program, path in instance.facts["programs"]:
            found.append(listener(path, {}, (self.endpoint(instance, program.name),)))
        return found

    def served(self, host: Host, instance: Instance) -> t.ContextManager[str]:
        return asking.served(host, self.name)

    def offers(self, host: Host, instance: Instance, name: str) -> bytes:
        """The ClientHello of the library (``client``) or of a program."""
        if name == "client":
            return asking.library_offers(host, self.name)
        for program, path in instance.facts["programs"]:
            if program.name == name:
                return asking.program_offers(host, program, path)
        raise TransactionError("prove", f"{name} is no program of {instance.name}")


class Unasked(Floor):
    """A library that is installed and tells nothing: it is left alone, and nothing of it is proved."""

    name = "unasked"

    def read(self, host: Host, instance: Instance) -> list[Document]:
        return []

    def settings(self, instance: Instance, documents: t.Sequence[Document]) -> dict[str, Setting]:
        return {}

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        return Plan((), (), ())

    def problems(self, host: Host, instance: Instance) -> list[str]:
        return []

    def roles(self, instance: Instance) -> tuple[str, ...]:
        return ("client",)

    def offers(self, host: Host, instance: Instance, name: str) -> bytes:
        raise TransactionError("prove", instance.facts["why"])


def discovered(floor: Floor, host: Host) -> list[Instance]:
    """The instances of a library, of one that cannot be asked as well."""
    try:
        return floor.discover(host)
    except TransactionError as error:
        told = {"floor": Unasked.name, "programs": [], "why": str(error)}
        capabilities = Capabilities(floor.name, (0,), (), None, None, frozenset())
        return [Instance(STACK, floor.name, (0,), floor.name, capabilities, True, told)]


def whole(documents: t.Sequence[Document], path: str, text: str, check: str, reason: str) -> list[Edit]:
    """The edit that makes a file of ours read so; none when it does."""
    data = text.encode("ascii")
    for document in documents:
        if document.path == path:
            return [] if document.data == data else [Edit(path, 0, len(document.data), data, 1, check, reason)]
    return [Edit.creation(path, data, check, reason)]


def listener(context: str, settings: dict[str, Setting], endpoints: tuple[str, ...]) -> Listener:
    """One library or program as a listener."""
    return Listener(STACK, context, "floor", "", (), True, True, settings, endpoints)
