#!/usr/bin/python3
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A double of update-crypto-policies(8) for hosts that have none: not the command, but what its manual says of it.

It knows what this collection uses: no arguments (generate by ``config``), ``--show``, ``--is-applied``, ``--check``
(not in the mood of RHEL 8), the exit statuses, the environment variables ``base_dir`` and ``profile_dir``, lists,
assignments, ``+``, ``-`` and scopes in policies, ``local.d``, ``state``, and the back-ends of OpenSSL and GnuTLS for
what TLS uses. Of the real generators it keeps one surprise on purpose: without DHE-RSA, OpenSSL gets "-aRSA".
"""

from __future__ import annotations

import glob
import os
import re
import sys
import tempfile

BASE = os.environ.get("base_dir", "/etc/crypto-policies")  # noqa: SIM112  the names of the real command
SHARE = os.environ.get("profile_dir", "/usr/share/crypto-policies")  # noqa: SIM112
OLD = os.path.exists(f"{SHARE}/el8")

OLD_NAMES = {"tls_cipher": "cipher@TLS", "ssh_cipher": "cipher@SSH", "ssh_group": "group@SSH"}
TLS = ("SSL2.0", "SSL3.0", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3")
KNOWN = {
    "protocol": {*TLS, "DTLS0.9", "DTLS1.0", "DTLS1.2", "IKEV2", "IKEV1"},
    "key_exchange": {"ECDHE", "RSA", "DHE", "DHE-RSA", "DHE-DSS", "PSK", "DHE-PSK", "ECDHE-PSK", "RSA-PSK"},
}


class PolicyError(Exception):
    """What the command says before it ends with status 1."""


def configured() -> tuple[str, list[str]]:
    with open(f"{BASE}/config", encoding="utf-8") as file:
        lines = [line.partition("#")[0].strip().upper() for line in file]
    words = [word for line in lines for word in line.split(":") if word]
    return words[0], words[1:]


def lines_of(name: str) -> list[str]:
    for root in (BASE, SHARE):
        path = f"{root}/policies/{name}"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                text = re.sub(r"#.*", "", file.read().replace("\\\n", " "))
            return [line for line in text.splitlines() if line.strip()]
    raise PolicyError(f"Unknown policy `{name.rpartition('/')[2]}`: file not found")


def evaluate(scopes: set[str]) -> dict[str, list[str]]:
    """The lists of a back-end whose scopes these are."""
    base, modules = configured()
    every = lines_of(f"{base}.pol") + [line for name in modules for line in lines_of(f"modules/{name}.pmod")]
    found: dict[str, list[str]] = {}
    for line in every:
        if "=" not in line:
            raise PolicyError(f"Errors found in policy, first one:  \nno = in {line!r}")
        name, _equals, text = (part.strip() for part in line.partition("="))
        name, words = OLD_NAMES.get(name, name), text.split()
        if name == "min_tls_version":
            name, words = "protocol@TLS", ["-" + word for word in TLS[: TLS.index(text)]]
        elif name.startswith("min_dtls"):
            continue
        prop, _at, scope = name.partition("@")
        wanted = {one.strip().lower() for one in scope.strip("{}").split(",") if one}
        if wanted and not wanted & scopes:
            continue
        for word in words:
            known = KNOWN.get(prop)
            if known and word.strip("+-").upper() not in known:
                raise PolicyError(
                    f"Errors found in policy, first one:  \nBad value of policy property `{prop}`: `{word}`"
                )
        mine = found.setdefault(prop, [])
        if not any(word[0] in "+-" or word.endswith("+") for word in words):
            mine[:] = words
            continue
        for word in words:
            bare = word.strip("+-")
            if bare in mine:
                mine.remove(bare)
            if not word.startswith("-"):
                mine.insert(0 if word.startswith("+") else len(mine), bare)
    return found


def openssl(policy: dict[str, list[str]]) -> str:
    has, kx, mac = policy["cipher"], policy["key_exchange"], policy["mac"]
    words = ["@SECLEVEL=2"]
    words += [
        {"RSA": "kRSA", "ECDHE": "kEECDH", "DHE-RSA": "kEDH"}[name]
        for name in kx
        if name in ("RSA", "ECDHE", "DHE-RSA")
    ]
    words += [word for name, word in (("RSA", "-kRSA"), ("DHE-RSA", "-aRSA"), ("DHE-DSS", "-aDSS")) if name not in kx]
    words += [word for name, word in (("AES-256-GCM", "-AES256"), ("AES-128-GCM", "-AES128")) if name not in has]
    words += ["-CHACHA20"] if "CHACHA20-POLY1305" not in has else []
    words += ["-AESCCM"] if not {"AES-128-CCM", "AES-256-CCM"} & set(has) else []
    words += ["-SHA256"] if "AES-256-CBC" not in has else []
    words += ["-SHA1"] if "HMAC-SHA1" not in mac else []
    words += ["-SHA384", "-CAMELLIA", "-ARIA", "-AESCCM8"]
    suites = {
        "AES-256-GCM": "TLS_AES_256_GCM_SHA384",
        "AES-128-GCM": "TLS_AES_128_GCM_SHA256",
        "CHACHA20-POLY1305": "TLS_CHACHA20_POLY1305_SHA256",
        "AES-128-CCM": "TLS_AES_128_CCM_SHA256",
    }
    oldest = next(name for name in TLS if name in policy["protocol"])
    groups = {"X25519": "X25519", "X448": "X448"}
    spelled = [groups.get(name, name.lower().replace("-", "")) for name in policy["group"] if "MLKEM" not in name]
    schemes = []
    for name in policy["sign"]:
        found = re.match(r"(RSA-PSS-RSAE|RSA-PSS|RSA|ECDSA)-SHA2?-?(\d+)\Z", name)
        if found:
            key, digits = found.groups()
            plain = {"RSA": f"RSA+SHA{digits}", "ECDSA": f"ECDSA+SHA{digits}"}
            pss = {"RSA-PSS-RSAE": f"rsa_pss_rsae_sha{digits}", "RSA-PSS": f"rsa_pss_pss_sha{digits}"}
            schemes.append({**plain, **pss}[key])
    return (
        f"CipherString = {':'.join(words)}\n"
        f"Ciphersuites = {':'.join(suites[name] for name in has if name in suites)}\n"
        f"TLS.MinProtocol = {oldest.replace('TLS', 'TLSv').replace('v1.0', 'v1')}\n"
        f"DTLS.MinProtocol = DTLSv1.2\n"
        f"SignatureAlgorithms = {':'.join(schemes)}\n"
        f"Groups = {':'.join(spelled)}\n\n[openssl_init]\nalg_section = evp_properties\n\n[evp_properties]\n"
    )


def gnutls(policy: dict[str, list[str]]) -> str:
    """An allow list, as the real one has it since GnuTLS 3.7.3."""
    lines = ["[global]", "override-mode = allowlist", "", "[overrides]"]
    lines += [f"secure-hash = {name}" for name in ("SHA256", "SHA384", "SHA512", "SHA224")]
    lines += [f"enabled-version = {name}" for name in policy["protocol"] if name.startswith(("TLS", "DTLS"))]
    lines += [
        f"tls-enabled-cipher = {name}" for name in policy["cipher"] if name.endswith(("GCM", "CCM", "CBC", "1305"))
    ]
    lines += [
        f"tls-enabled-mac = {name.replace('HMAC-SHA2-', 'SHA').replace('HMAC-', '')}"
        for name in policy["mac"]
        if "UMAC" not in name
    ]
    exchanges = {"ECDHE": ["ECDHE-RSA", "ECDHE-ECDSA"], "RSA": ["RSA"], "DHE-RSA": ["DHE-RSA"]}
    lines += [f"tls-enabled-kx = {one}" for name in policy["key_exchange"] for one in exchanges.get(name, ())]
    groups = [name.replace("FFDHE-", "FFDHE") for name in policy["group"] if "MLKEM" not in name]
    lines += [f"tls-enabled-group = {name}" for name in groups]
    lines += [f"enabled-curve = {name}" for name in groups if "FFDHE" not in name]
    for name in policy["sign"]:
        word = name.replace("SHA2-", "SHA").replace("EDDSA-", "EdDSA-")
        if "SHA3" not in word and "FIDO" not in word:
            lines += [f"secure-sig = {word}", f"secure-sig-for-cert = {word}"]
            curve = {"ECDSA-SHA256": "SECP256R1", "ECDSA-SHA384": "SECP384R1", "ECDSA-SHA512": "SECP521R1"}.get(word)
            lines += [f"secure-sig = ECDSA-{curve}-{word[-6:]}"] if curve else []
    return "\n".join([*lines, "", "[priorities]", "SYSTEM=NONE", ""])


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{path}.new", path)


def generate(target: str) -> None:
    base, modules = configured()
    for name, make, scopes in (
        ("opensslcnf", openssl, {"tls", "ssl", "openssl"}),
        ("gnutls", gnutls, {"tls", "ssl", "gnutls"}),
    ):
        text = make(evaluate(scopes))
        for path in sorted(glob.glob(f"{BASE}/local.d/{name}-*.config")):
            with open(path, encoding="utf-8") as file:
                text += file.read()
        write(f"{target}/back-ends/{name}.config", text)
    whole = ":".join((base, *modules)) + "\n"
    write(f"{target}/state/current", whole)
    write(f"{target}/state/CURRENT.pol", f"# Policy {whole}{evaluate({'tls'})}\n")


def tree(root: str) -> dict[str, str]:
    found = {}
    for path in sorted(glob.glob(f"{root}/back-ends/*") + glob.glob(f"{root}/state/*")):
        with open(path, encoding="utf-8") as file:
            found[path[len(root) :]] = file.read()
    return found


def main(words: list[str]) -> int:
    if words == ["--show"]:
        base, modules = configured()
        print(":".join((base, *modules)))
    elif words == ["--is-applied"]:
        newer = os.stat(f"{BASE}/state/current").st_mtime >= os.stat(f"{BASE}/config").st_mtime
        print(f"The configured policy is {'' if newer else 'NOT '}applied")
        return 0 if newer else 1
    elif words == ["--check"] and not OLD:
        with tempfile.TemporaryDirectory() as folder:
            generate(folder)
            if tree(folder) != tree(BASE):
                sys.stderr.write("The configured policy does NOT match the generated policy\n")
                return 1
        print("The configured policy matches the generated policy")
    elif not words:
        generate(BASE)
        print(f"Setting system policy to {':'.join([configured()[0], *configured()[1]])}")
    else:
        sys.stderr.write(f"update-crypto-policies: error: unrecognized arguments: {' '.join(words)}\n")
        return 2
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except PolicyError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
