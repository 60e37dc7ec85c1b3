# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Windows host: one batched read of its registry, and one import that is proved by reading again.

The file that is sent holds the change and, as comments, what undoes it. The host itself writes the undoing lines to a
rollback file before it imports, in the same round trip: who has lost the network can still run
``reg import FILE /reg:64`` at the console.
"""

from __future__ import annotations

import secrets
import time
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import schannel
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import TransactionError

from . import plan, settings
from .registry import (
    HEADER,
    Registry,
    Value,
    brief,
    combined,
    document,
    parse_brief,
    parse_query,
    render,
    spoken,
)
from .remote import Remote, RemoteError, each, quoted

_CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
_HTTP = r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters"
_WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_ENVIRONMENT = _CONTROL + r"\Session Manager\Environment"
RDP = _CONTROL + r"\Terminal Server"
RDP_TCP = RDP + r"\WinStations\RDP-Tcp"
INETSTP = r"HKLM\SOFTWARE\Microsoft\InetStp"
CERTIFICATES = r"HKLM\SOFTWARE\Microsoft\SystemCertificates\MY\Certificates"

#: Bindings of http.sys to certificates, by address and by name: below them one key for each.
BINDINGS = _HTTP + r"\SslBindingInfo"
SNI_BINDINGS = _HTTP + r"\SslSniBindingInfo"

#: Where rollback files are kept, below the folder of Windows, where only administrators write.
ROLLBACKS = "encryption.in_transit"


def query(key: str, name: str | None = None, deep: bool = False) -> str:
    """A ``reg query`` of the 64-bit view: the whole key, one of its values, or all below it."""
    key = key.replace("HKEY_LOCAL_MACHINE", "HKLM", 1)
    return f"reg query {quoted(key)}{f' /v {name}' if name else ''}{' /s' if deep else ''} /reg:64"


#: Everything that is read of a host, in one line for cmd.exe. Where keys differ in a part, cmd.exe puts it in.
READ = (
    brief(settings.SCHANNEL),
    each("i", ("CurrentBuildNumber", "SystemRoot", "ProductName"), f'reg query "{_WINDOWS}" /v %~i /reg:64 2>nul'),
    query(_ENVIRONMENT, "PROCESSOR_ARCHITECTURE"),
    query(settings.POLICY),
    # Windows looks at its own long list only where no policy is; reading it nevertheless would do no harm.
    f"({query(settings.POLICY, 'Functions')} >nul 2>nul || {query(settings.LOCAL, 'Functions')} 2>nul)",
    each("v", settings.VIEWS, each("i", settings.PROGRAMS, r'reg query "HKLM\%~v\%~i" /reg:64 2>nul')),
    query(settings.RDP_POLICY),
    query(RDP, "fDenyTSConnections"),
    query(RDP_TCP, "PortNumber"),
    query(plan.WID, "Start"),
    query(INETSTP, "VersionString"),
    each("i", (BINDINGS, SNI_BINDINGS), 'reg query "%~i" /s /reg:64 2>nul'),
)


class Facts(t.NamedTuple):
    """What one read told. ``build`` is the number of the Windows build, ``root`` its folder."""

    build: int
    root: str
    product: str
    registry: Registry

    @property
    def version(self) -> str:
        return f"10.0.{self.build}"


class Applied(t.NamedTuple):
    """What an import came to. ``rollback`` is the path of the rollback file on the host.

    ``saved`` tells whether the host wrote it completely, ``reconnected`` whether the connection was lost meanwhile.
    """

    facts: Facts
    rollback: str
    saved: bool
    reconnected: bool


def read(remote: Remote, more: t.Sequence[str] = ()) -> tuple[Facts, list[str]]:
    """The facts of the host, and the output of ``more`` commands. Raises RemoteError in words for people."""
    sections = remote.run([*READ, *more])
    return _facts(remote, sections[: len(READ)]), sections[len(READ) :]


def _facts(remote: Remote, sections: t.Sequence[str]) -> Facts:
    # What undoes a change must be exact: what brief() would shorten is worth a round trip of its own.
    of_schannel = parse_brief(sections[0], settings.SCHANNEL) or parse_query(
        remote.run([query(settings.SCHANNEL, deep=True)])[0]
    )
    registry = combined([of_schannel, *map(parse_query, sections[1:])])
    build, root = registry.text(_WINDOWS, "CurrentBuildNumber"), registry.text(_WINDOWS, "SystemRoot")
    if not build or not build.isdigit() or not root:
        raise RemoteError(
            "the host answers, but reg.exe does not tell the version of Windows: a policy keeps it from running "
            "(DisableRegistryTools, AppLocker, WDAC), or the user may not read the registry. Nothing was changed"
        )
    if registry.text(_ENVIRONMENT, "PROCESSOR_ARCHITECTURE") == "x86":
        raise RemoteError(
            "this is a 32-bit Windows, which no server has been since 2008 R2 and whose registry has one view only: "
            "it is not supported. Nothing was changed"
        )
    if int(build) < schannel.SERVER_2016:
        raise RemoteError(
            f"Windows build {build} is older than Server 2016 (build {schannel.SERVER_2016}), the oldest that "
            "Microsoft still mends and this collection knows. Nothing was changed"
        )
    return Facts(int(build), root.rstrip("\\"), registry.text(_WINDOWS, "ProductName") or "Windows", registry)


def apply(remote: Remote, before: Facts, changes: t.Sequence[tuple[Value, Value]], name: str) -> Applied:
    """Write the first of each pair and keep the second as what undoes it; prove it by reading again.

    ``name`` begins the name of the rollback file. What was not written is undone. Raises TransactionError with the
    state the host is in: step ``write`` nothing arrived, ``prove`` not everything was written, ``read`` not known.
    """
    identity = f"{name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}"
    sent = f"{before.root}\\Temp\\{identity}.reg"
    folder = f"{before.root}\\{ROLLBACKS}"
    rollback = f"{folder}\\{identity}.reg"
    wanted, undo = [change for change, _undo in changes], render(undo for _change, undo in changes)
    kept = [HEADER, *undo]
    comments = "".join(f";{line}\r\n" for line in kept)
    try:
        remote.put(document(render(wanted)) + comments, sent)
    except Exception as error:  # each connection plugin raises what its library does
        raise TransactionError("write", f"the file could not be sent, nothing was changed: {error}") from error
    line = [
        f"mkdir {quoted(folder)}",
        # The sign of a comment is the delimiter, too, so the lines arrive without it.
        f'(for /f "usebackq delims=; tokens=*" %i in (`find ";" ^< {quoted(sent)}`) do @echo %i>>{quoted(rollback)})',
        f"reg import {quoted(sent)} /reg:64 >nul",
        f"del /q {quoted(sent)}",
        f"type {quoted(rollback)}",
    ]
    facts, sections, reconnected = _run(remote, line, rollback)
    left = [change for change in wanted if not _is(facts.registry, change)]
    saved = sections[-1].split("\n") == kept
    if left:
        raise _undone(remote, before, facts, wanted, left, rollback)
    return Applied(facts, rollback, saved, reconnected)


def restore(remote: Remote, path: str, wanted: t.Sequence[Value]) -> Facts:
    """Import a rollback file of the host and read again. Raises TransactionError when it did not come to that."""
    facts, _sections, _reconnected = _run(remote, [f"reg import {quoted(path)} /reg:64 >nul"], path)
    left = [change for change in wanted if not _is(facts.registry, change)]
    if left:
        raise TransactionError("prove", f"{_named(left)} did not come back: {_reasons(remote)}", undone=False)
    return facts


def _run(remote: Remote, line: list[str], rollback: str) -> tuple[Facts, list[str], bool]:
    """The line and the read behind it; when the connection breaks meanwhile, the read again on a new one."""
    try:
        sections = remote.run([*line, *READ])
        return _facts(remote, sections[len(line) :]), sections[: len(line)], False
    except Exception as lost:  # as above, and a cut-off answer leaves as little known
        try:
            remote.reset()
            facts, sections = read(remote, [line[-1]])
            return facts, sections, True
        except Exception as error:
            message = (
                f"the connection was lost while the change was being imported ({lost}), and cannot be made again "
                f"({error}): it is not known whether it took place. If it did, this at the console undoes it: "
                f"reg import {quoted(rollback)} /reg:64"
            )
            raise TransactionError("read", message, undone=False) from error


def _undone(
    remote: Remote, before: Facts, after: Facts, wanted: list[Value], left: list[Value], rollback: str
) -> TransactionError:
    """The error after an incomplete import, with what was written taken back."""
    reasons = _reasons(remote)
    if len(left) == len(wanted):
        return TransactionError(
            "prove", f"none of the {len(wanted)} values was written, nothing was changed: {reasons}"
        )
    missing = f"{len(left)} of {len(wanted)} values were not written ({_named(left)}): {reasons}"
    old = [before.registry.get(one.key, one.name) or one._replace(data=None) for one in wanted]
    try:
        restore(remote, rollback, old)
    except (TransactionError, RemoteError) as error:
        message = f"{missing}. Taking the others back failed as well: {error}. The rollback file is {rollback}"
        return TransactionError("prove", message, undone=False)
    return TransactionError("prove", f"{missing}. The others were taken back, everything is as before")


def _reasons(remote: Remote) -> str:
    try:
        # Only an elevated administrator can read the hive of this account.
        administrator = "HKEY_USERS" in remote.run([query(r"HKU\S-1-5-19")])[0]
    except (RemoteError, OSError):
        administrator = True
    if administrator:
        return (
            "the import was refused or altered. Is registry editing disabled by policy (DisableRegistryTools), is a "
            "security product guarding these keys, does a group policy own them?"
        )
    return "the user is no administrator of the host, or the connection is not elevated"


def _is(registry: Registry, change: Value) -> bool:
    """Whether the registry holds exactly what was written."""
    there = registry.get(change.key, change.name)
    if change.data is None or there is None:
        return change.data is None and there is None
    return (there.type, there.data) == (change.type, change.data)


def _named(values: t.Sequence[Value]) -> str:
    shown = ", ".join(f"{value.key}\\{value.name}" for value in values[:3])
    return shown + (f" and {len(values) - 3} more" if len(values) > 3 else "")


def tabular(changes: t.Iterable[tuple[Value, Value | None]], which: int) -> str:
    """One side of a diff: a line for each value that changes, below its key."""
    lines: list[str] = []
    key = None
    for pair in changes:
        after = pair[0]
        if after.key != key:
            key = after.key
            lines.append(f"[{key}]")
        lines.append(f"{after.name} = {spoken(pair[which])}")
    return "".join(f"{line}\n" for line in lines)
