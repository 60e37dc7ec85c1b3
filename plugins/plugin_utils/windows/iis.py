# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IIS: what its sites serve, and the fewest settings by which they hold the baseline.

Sites and bindings come from ``appcmd list site /config:* /xml``, everything that a location may override from
``applicationHost.config``; both are XML and in no language. Changes are made by appcmd, behind a backup of its own
making. Sources: Microsoft, "IIS configuration reference" (sites, hsts, access, ftpServer/security/ssl), "Appcmd.exe".
"""

from __future__ import annotations

import re
import typing as t
from xml.etree import ElementTree

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import schannel
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import (
    Listener,
    Provenance,
    Setting,
    Unmended,
)

from . import bindings
from .registry import Registry, Value

STACK = "iis"

APPCMD = r'"%windir%\system32\inetsrv\appcmd.exe"'
CONFIG = r"%windir%\system32\inetsrv\config\applicationHost.config"
READ = (f"{APPCMD} list site /config:* /xml", f'type "{CONFIG}"')

#: First build whose IIS has the element hsts: version 1709.
HSTS_BUILD = 16299

#: What a site requires before anything else: the flags that are added to those it has.
REQUIRE = ("Ssl", "Ssl128")

_FTP = "ftpServer.security.ssl"
_CONTROL, _DATA = "controlChannelPolicy", "dataChannelPolicy"

#: Settings as they are when nobody says anything (IIS configuration reference).
_DEFAULTS = {
    "hsts.enabled": "false",
    "hsts.max-age": "0",
    "hsts.redirectHttpToHttps": "false",
    f"{_FTP}.{_CONTROL}": "SslRequire",
    f"{_FTP}.{_DATA}": "SslRequire",
    f"{_FTP}.serverCertHash": "",
}


class IisError(InTransitError):
    """An answer of IIS that cannot be understood."""


class Binding(t.NamedTuple):
    """One binding of a site: ``https/*:443:www.example.com``."""

    protocol: str
    address: str
    port: int
    name: str


class Site(t.NamedTuple):
    """A site, with the settings that matter here by their name below it, and the flags its root requires."""

    name: str
    started: bool
    bindings: tuple[Binding, ...]
    settings: dict[str, str]
    ssl_flags: tuple[str, ...]

    def on(self, setting: str) -> bool:
        return self.settings[setting].lower() in ("true", "1")

    def protocols(self) -> set[str]:
        return {one.protocol for one in self.bindings}


class Change(t.NamedTuple):
    """One setting of a site. ``section`` is that of the configuration, ``name`` the setting as appcmd takes it."""

    site: str
    section: str
    name: str
    before: str
    after: str
    check: str
    reason: str

    @property
    def value(self) -> Value:
        return Value(f"{self.section} of site {self.site}", self.name, "appcmd", self.after)


# --- reading ------------------------------------------------------------------------------------------------------


def _xml(text: str, source: str) -> ElementTree.Element:
    """The document in an answer; a byte order mark, and one that a code page has made of it, are no part of it."""
    begin = text.find("<")
    if begin < 0:
        raise IisError(f"{source} said nothing: is the user an administrator of the host?")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise IisError(f"{source}: a document type is in it, which IIS never writes")
    try:
        return ElementTree.fromstring(text[begin:].strip())  # noqa: S314  no entities, see above
    except ElementTree.ParseError as error:
        raise IisError(f"{source}: line {error.position[0]}, column {error.position[1]}: no XML: {error}") from error


def sites(listed: str, config: str) -> list[Site]:
    """Every site, from the two outputs of :data:`READ`."""
    root, host = _xml(listed, "appcmd list site"), _xml(config, "applicationHost.config")
    defaults = {**_DEFAULTS, **_flat(host.find("./system.applicationHost/sites/siteDefaults"))}
    found = []
    for entry in root.iter("SITE"):
        name = entry.get("SITE.NAME")
        if name is None:
            raise IisError("appcmd list site: a site without SITE.NAME")
        own = _flat(entry.find("./site"))
        # Where a site has an element hsts of its own, nothing of the defaults counts for it.
        shadowed = any(key.startswith("hsts.") for key in own)
        inherited = {
            key: _DEFAULTS.get(key, value) if shadowed and key.startswith("hsts.") else value
            for key, value in defaults.items()
        }
        found.append(
            Site(
                name,
                entry.get("state") == "Started",
                tuple(_bindings(entry.get("bindings") or "")),
                {**inherited, **own},
                _access(host, name),
            )
        )
    return found


def _flat(element: ElementTree.Element | None) -> dict[str, str]:
    """Attributes below a site by their path: ``hsts.max-age``."""
    if element is None:
        return {}
    found: dict[str, str] = {}
    for prefix, path in (("hsts", "./hsts"), (_FTP, "./ftpServer/security/ssl")):
        for node in element.findall(path):
            found.update({f"{prefix}.{key}": value for key, value in node.attrib.items()})
    return found


def _bindings(text: str) -> t.Iterator[Binding]:
    """``protocol/address:port:name`` joined by commas; protocols that are no network addresses are left out."""
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([a-z.]+)/(\*|\[[0-9A-Fa-f:.]*\]|[0-9.]*):([0-9]+):(.*)", part.strip())
        if match:
            yield Binding(match[1], match[2] or "*", int(match[3]), match[4])


def _access(host: ElementTree.Element, site: str) -> tuple[str, ...]:
    """``sslFlags`` of a site's root: its own location's, else those of the whole server."""
    flags = None
    path = "./system.webServer/security/access"
    for place in (host, *(one for one in host.findall("./location") if one.get("path") in ("", site))):
        for node in place.findall(path):
            flags = node.get("sslFlags", flags)
    return tuple(word for word in re.split(r"[,\s]+", flags or "") if word and word != "None")


# --- listeners ----------------------------------------------------------------------------------------------------


def listeners(every: t.Iterable[Site]) -> list[Listener]:
    """What sites serve, in the shape of every stack. Versions and suites are Schannel's, and stand there."""
    return [_listener(site, binding) for site in every for binding in site.bindings if binding.protocol in _SCHEMES]


_SCHEMES = {"http": "http", "https": "https", "ftp": "ftp"}


def _listener(site: Site, binding: Binding) -> Listener:
    where = f"site {site.name}"
    scheme = "ftps" if (binding.protocol, binding.port) == ("ftp", 990) else _SCHEMES[binding.protocol]
    found: dict[str, Setting] = {}
    if binding.protocol == "http":
        redirected, refused = site.on("hsts.redirectHttpToHttps") and site.on("hsts.enabled"), "Ssl" in site.ssl_flags
        state = "refused" if refused else "redirected" if redirected else "served"
        text = f"sslFlags={','.join(site.ssl_flags) or 'None'}, redirectHttpToHttps={redirected}"
        found["plaintext"] = Setting(state, (Provenance(where, 0, text),))
    elif binding.protocol == "https":
        age = int(site.settings["hsts.max-age"]) if site.on("hsts.enabled") else 0
        text = f"hsts enabled={site.settings['hsts.enabled']} max-age={site.settings['hsts.max-age']}"
        found["hsts_max_age"] = Setting(age, (Provenance(where, 0, text),))
    else:
        policies = [site.settings[f"{_FTP}.{name}"] for name in (_CONTROL, _DATA)]
        state = "refused" if all(one == "SslRequire" for one in policies) else "served"
        found["plaintext"] = Setting(state, (Provenance(where, 0, f"control {policies[0]}, data {policies[1]}"),))
    address = "0.0.0.0" if binding.address == "*" else binding.address  # noqa: S104  told, not bound
    target = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(address, address)  # noqa: S104
    endpoint = f"{scheme}://{target}:{binding.port}"
    if binding.name and binding.protocol == "https":
        endpoint += f"?sni={binding.name}"
    return Listener(
        STACK,
        where,
        "server",
        f"{address}:{binding.port}",
        (binding.name,) if binding.name else (),
        not binding.name,
        binding.protocol != "http",
        found,
        (endpoint,) if site.started else (),
    )


# --- the plan -----------------------------------------------------------------------------------------------------


def plan(
    every: t.Iterable[Site],
    build: int,
    hsts_max_age: int,
    options: t.Mapping[str, t.Any],
    kept: t.Callable[[Listener], t.Collection[str]] = lambda _listener: (),
) -> tuple[list[Change], list[Unmended]]:
    """The fewest settings that make the sites hold the baseline, and what was left alone with the reason.

    ``options``: ``hsts``, ``require_ssl`` and ``ftp``, each ``mend`` or ``report``. ``kept`` tells the checks that
    exceptions cover at a listener; a site is left as it is in what is kept at one of its bindings.
    """
    changes: list[Change] = []
    left: list[Unmended] = []
    for site in every:
        wanted = [*_hsts(site, build, hsts_max_age, options), *_require(site, options), *_ftp(site, options)]
        stays = {check for listener in listeners([site]) for check in kept(listener)}
        for one in wanted:
            if one.check in stays:
                continue
            if isinstance(one, Unmended):
                left.append(one)
            elif re.search(r"[^ -~]|[\"'%\[\]\\]", site.name):
                left.append(_left(site, one.check, "its name cannot be part of a command; set it in IIS Manager"))
            else:
                changes.append(one)
    return changes, left


def _left(site: Site, check: str, reason: str) -> Unmended:
    return Unmended(check, Provenance(f"site {site.name}", 0, ""), reason)


def _hsts(site: Site, build: int, age: int, options: t.Mapping[str, t.Any]) -> t.Iterator[Change | Unmended]:
    if "https" not in site.protocols():
        return
    enough = site.on("hsts.enabled") and int(site.settings["hsts.max-age"]) >= age
    if enough or options["hsts"] != "mend":
        return
    if build < HSTS_BUILD:
        yield _left(site, "http.hsts", f"IIS of build {build} has no hsts; add the header to customHeaders")
        return
    section = "system.applicationHost/sites"
    reason = f"browsers must know for {age} seconds that the site speaks TLS"
    for name, after in (("enabled", "True"), ("max-age", str(age))):
        before = site.settings[f"hsts.{name}"]
        if before.lower() != after.lower():
            yield Change(site.name, section, f"hsts.{name}", before, after, "http.hsts", reason)


def _require(site: Site, options: t.Mapping[str, t.Any]) -> t.Iterator[Change | Unmended]:
    missing = [flag for flag in REQUIRE if flag not in site.ssl_flags]
    if not missing or not site.protocols() & {"http", "https"} or options["require_ssl"] != "mend":
        return
    if "https" not in site.protocols():
        reason = "it has no https binding, and would answer nobody; give it a certificate and a binding first"
        yield _left(site, "transport.plaintext", reason)
        return
    after = ",".join((*site.ssl_flags, *missing))
    before = ",".join(site.ssl_flags) or "None"
    section, reason = "system.webServer/security/access", "requests without TLS are refused"
    yield Change(site.name, section, "sslFlags", before, after, "transport.plaintext", reason)


def _ftp(site: Site, options: t.Mapping[str, t.Any]) -> t.Iterator[Change | Unmended]:
    open_ones = [name for name in (_CONTROL, _DATA) if site.settings[f"{_FTP}.{name}"] != "SslRequire"]
    if "ftp" not in site.protocols() or not open_ones or options["ftp"] != "mend":
        return
    if not site.settings[f"{_FTP}.serverCertHash"]:
        yield _left(site, "transport.plaintext", "it has no certificate for FTP; bind one first")
        return
    for name in open_ones:
        before = site.settings[f"{_FTP}.{name}"]
        section, reason = "system.applicationHost/sites", "logins and files go over TLS only"
        yield Change(site.name, section, f"{_FTP}.{name}", before, "SslRequire", "transport.plaintext", reason)


def commands(changes: t.Iterable[Change], backup: str) -> list[str]:
    """What makes the changes: a backup, then one command for each site and section."""
    lines = [f'{APPCMD} add backup "{backup}" >nul']
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.site, change.section), []).append(change)
    for (site, section), each in groups.items():
        if section == "system.webServer/security/access":
            pairs = " ".join(f'"/{one.name}:{one.after}"' for one in each)
            lines.append(f'{APPCMD} set config "{site}" -section:{section} {pairs} /commit:apphost >nul')
        else:
            pairs = " ".join(f"\"/[name='{site}'].{one.name}:{one.after}\"" for one in each)
            lines.append(f"{APPCMD} set config -section:{section} {pairs} /commit:apphost >nul")
    return lines


def restore(backup: str) -> str:
    """What brings the backup back."""
    return f'{APPCMD} restore backup "{backup}" >nul'


def legacy_tls(
    registry: Registry, build: int, kept: t.Callable[[int, str], t.Collection[str]] = lambda _port, _name: ()
) -> list[tuple[Value, Value | None]]:
    """``DefaultFlags`` of every binding of http.sys with the flag against legacy TLS, every other bit as it is.

    ``kept`` tells the protocols that exceptions keep at a port and server name; such a binding is left alone.
    Only builds since Server 2022 heed the flag; older ones take it and do nothing.
    """
    if build < schannel.SERVER_2022:
        return []
    found = []
    for binding in bindings.bindings(registry):
        if not binding.flags & bindings.NO_LEGACY_TLS and not kept(binding.port, binding.name):
            before = registry.get(binding.key, "DefaultFlags")
            key = before.key if before else binding.key.replace("HKLM", "HKEY_LOCAL_MACHINE", 1)
            found.append((Value(key, "DefaultFlags", "REG_DWORD", binding.flags | bindings.NO_LEGACY_TLS), before))
    return found
