# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each library of a host has to tell, so that one stack carries them all: one instance for each."""

from __future__ import annotations

import typing as t

from ...errors import TransactionError
from ..contract import Listener, Setting
from . import asking

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..contract import Document, ExportFile, Instance, Plan, Remark
    from ..host import Host

STACK = "crypto_policy"

#: Endpoints that exist only while somebody asks: ``floor://LIBRARY/server``, ``/client`` and one for each program.
SCHEME = "floor://"


class Floor:
    """One library. Subclasses are stateless, as stacks are."""

    name = ""

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
        found = [_listener(library, self.settings(instance, documents), endpoints)]
        for program, path in instance.facts["programs"]:
            found.append(_listener(path, {}, (self.endpoint(instance, program.name),)))
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


def _listener(context: str, settings: dict[str, Setting], endpoints: tuple[str, ...]) -> Listener:
    return Listener(STACK, context, "floor", "", (), True, True, settings, endpoints)
