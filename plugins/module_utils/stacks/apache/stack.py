# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apache httpd as a stack. The thinking is in the files beside."""

from __future__ import annotations

import typing as t

from ..contract import Document, Edit, ExportFile, Instance, Listener, Plan, Stack, TestResult
from ..switching import with_logging

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..handshakes import Logged
    from ..host import Host


class Apache(Stack):
    """The Apache httpd stack.

    ``options`` of :meth:`plan`:

    =============  ====================================================================================================
    ``overrides``  ``mend`` (default) edits every file; ``report`` leaves directives outside the main file alone and
                   reports them; ``fail`` raises ConfigurationError for the first of them
    ``hsts``       ``report`` (default) or ``mend``
    ``upstreams``  ``{"host:port": bool}``: whether a backend was seen to answer TLS 1.2 or newer
    =============  ====================================================================================================
    """

    name = "apache"
    title = "Apache httpd"

    def discover(self, host: Host) -> list[Instance]:
        from . import machine

        return machine.discover(host)

    def read(self, host: Host, instance: Instance) -> list[Document]:
        from . import resolver

        return resolver.read(host, instance)

    def edited(self, documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
        from . import resolver

        return resolver.edited(documents, edits)

    def effective(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        from . import effective

        return effective.listeners(instance, documents)

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        from . import planner
        from .usage import switched

        plan = planner.plan(instance, documents, baseline, options)
        return with_logging(plan, options, lambda on: switched(instance, documents, on))

    def test_command(self, instance: Instance) -> list[str]:
        from . import machine

        return machine.test_command(instance)

    def test(self, host: Host, instance: Instance) -> TestResult:
        from . import machine

        return machine.test(host, instance)

    def generation(self, host: Host, instance: Instance) -> t.Any:
        from . import machine

        return machine.generation(host, instance)

    def reload(self, host: Host, instance: Instance) -> None:
        from . import machine

        machine.reload(host, instance)

    def start(self, host: Host, instance: Instance) -> None:
        from . import machine

        machine.start(host, instance)

    def settled(self, host: Host, instance: Instance, before: t.Any) -> bool:
        from . import machine

        return machine.settled(host, instance, before)

    def handshakes(self, instance: Instance, documents: t.Sequence[Document]) -> Logged:
        from . import usage

        return usage.logged(instance, documents)

    def export(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        from . import export

        return export.export(instance, documents)
