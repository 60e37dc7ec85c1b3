# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy as a stack. The thinking is in the files beside."""

from __future__ import annotations

import typing as t

from ..contract import Document, Edit, ExportFile, Instance, Listener, Plan, Stack, TestResult
from . import effective, export, machine, planner

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..handshakes import Logged
    from ..host import Host


class Haproxy(Stack):
    """The HAProxy stack.

    ``options`` of :meth:`plan`:

    =============  ====================================================================================================
    ``overrides``  ``mend`` (default) edits every file; ``report`` leaves settings outside the first file of the command
                   line alone and reports them; ``fail`` raises ConfigurationError for the first of them
    ``upstreams``  ``{"host:port": bool}``: whether a server was seen to answer TLS 1.2 or newer
    =============  ====================================================================================================
    """

    name = "haproxy"
    title = "HAProxy"

    def discover(self, host: Host) -> list[Instance]:
        return machine.discover(host)

    def read(self, host: Host, instance: Instance) -> list[Document]:
        return machine.read(host, instance)

    def edited(self, documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
        return machine.edited(documents, edits)

    def effective(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        return effective.listeners(instance, documents)

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        return planner.plan(instance, documents, baseline, options)

    def test_command(self, instance: Instance) -> list[str]:
        return machine.test_command(instance)

    def test(self, host: Host, instance: Instance) -> TestResult:
        return machine.test(host, instance)

    def generation(self, host: Host, instance: Instance) -> t.Any:
        return machine.generation(host, instance)

    def reload(self, host: Host, instance: Instance) -> None:
        machine.reload(host, instance)

    def start(self, host: Host, instance: Instance) -> None:
        machine.start(host, instance)

    def settled(self, host: Host, instance: Instance, before: t.Any) -> bool:
        return machine.settled(host, instance, before)

    def handshakes(self, instance: Instance, documents: t.Sequence[Document]) -> Logged:
        from . import usage

        return usage.logged(instance, documents)

    def export(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        return export.export(instance, documents)
