# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judgement of certificate and key files on a host, in the shape of ``run.certificates.inspect``. Pure."""

from __future__ import annotations

from .judge import finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    Json = t.Dict[str, t.Any]


class _Place:
    """A file as provenance."""

    def __init__(self, path: str) -> None:
        self.file, self.line, self.text = path, 0, ""


def judge_files(files: t.Iterable[Json], look: t.Mapping[str, Json], subject: Json | None = None) -> list[Json]:
    """Findings about the files; ``look`` maps endpoints to the wire reports of the same moment."""
    found: list[Json] = []
    everything = list(files)
    for one in everything:
        about = {**(subject or {}), "listener": ", ".join(one["listeners"][:3])}
        places = [_Place(one["path"])]
        if one["has_key"]:
            status, text = _key_access(one)
            found.append(finding("certificate.key_access", status, "configured", about, text, provenance=places))
        if one["use"] == "certificate" and not one["elsewhere"]:
            status, text = _chain(one)
            found.append(finding("certificate.chain", status, "configured", about, text, provenance=places))
    return found + _served([one for one in everything if one["use"] == "certificate"], look, subject)


def _key_access(one: Json) -> tuple[str, str]:
    access = one["access"]
    if access is None:
        return "indeterminate", f"{one['path']}: {one['error']}"
    mode = int(access["mode"], 8)
    text = f"{one['path']}: {access['owner']}:{access['group']} {access['mode']}"
    if access["others"] or mode & 0o022:
        what = "every user may read it" if access["others"] else "others than its owner may write to it"
        return "fail", f"{text}, {what}"
    if access["acl"]:
        return "indeterminate", f"{text}, and an access control list adds to it (getfacl)"
    return "pass", text


def _chain(one: Json) -> tuple[str, str]:
    order = one["order"]
    if order is None:
        if one["format"] in ("JKS", "JCEKS", "PKCS12"):
            return "indeterminate", f"{one['path']}: a {one['format']} keystore, which only its password opens"
        return "indeterminate", f"{one['path']}: {one['error'] or 'no certificate is in it'}"
    count = f"{one['path']}: {one['count']} certificate{'s' if one['count'] != 1 else ''}"
    if order == "incomplete":
        # Right under a root that the clients trust, wrong under an intermediate: the file does not say which it is.
        return "not_applicable", f"{count}, without the issuer {one['chain'][0]['issuer']}"
    text = {"ordered": "in order", "unordered": "in the wrong order", "surplus": "some of them not in the chain"}[order]
    return "pass" if order == "ordered" else "fail", f"{count}, {text}"


def _served(files: t.Iterable[Json], look: t.Mapping[str, Json], subject: Json | None) -> list[Json]:
    """For each endpoint that showed a certificate: is it one of those in the files it is configured with?"""
    configured: dict[str, list[Json]] = {}
    for one in files:
        for endpoint in one["endpoints"]:
            configured.setdefault(endpoint, []).append(one)
    found = []
    for endpoint, mine in configured.items():
        chains = [served["chain"] for served in (look.get(endpoint) or {}).get("certificates") or () if served["chain"]]
        if not chains:
            continue
        about = {**(subject or {}), "endpoint": endpoint}
        places = [_Place(one["path"]) for one in mine]
        on_disk = {one["chain"][0]["sha256"] for one in mine if one["chain"]}
        other = [chain[0] for chain in chains if chain[0]["sha256"] not in on_disk]
        names = ", ".join(one["path"] for one in mine)
        if not other:
            status, text = "pass", f"what is served is in {names}"
        elif any(not one["chain"] for one in mine):
            status, text = "indeterminate", f"not everything in {names} could be read"
        else:
            status = "fail"
            text = f"served: {other[0]['sha256'][:16]}, valid until {other[0]['not_after']}; not in {names}"
        found.append(finding("certificate.served", status, "effective", about, text, provenance=places))
    return found
