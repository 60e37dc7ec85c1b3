"""A small hospital fleet as the rest of the collection reports it: three hosts, five endpoints each, not all well.

Findings are made by the judge itself, so that these samples cannot drift from what it really writes.
"""

from __future__ import annotations

import hashlib

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import load
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Listener, Provenance, Setting

HOSTS = ("ehr-web1.clinic.example", "hl7-gateway.clinic.example", "portal.clinic.example")

BASELINE = load("intermediate")

FACTS = {
    "run_id": "20261121T020005Z-0a1b2c",
    "started": "2026-11-21T02:00:05Z",
    "ended": "2026-11-21T02:01:40Z",
    "clock": {"source": "kernel (adjtimex)", "synchronized": True},
    "control_node": "ansible1.clinic.example",
    "operator": {"user": "svc-audit", "on_behalf_of": "j.doe", "started_by": "systemd"},
    "versions": {"collection": "0.1.0", "ansible_core": "2.19.14", "python": "3.11.2"},
    "git": {
        "repository": "/home/svc-audit/hospital",
        "commit": "7e3f25f0c4b1a1d3f7de22b7c9f5a6e0b8d41c55",
        "dirty": False,
    },
    "inventory": [{"source": "/etc/ansible/hospital", "files": 14, "sha256": "5d" * 32}],
    "parameters": {"limit": None, "tags": [], "skip_tags": [], "extra_vars": ["change_ticket"], "check_mode": False},
}

_STATES = {"a": "accepted", "r": "refused", "i": "indeterminate"}
_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def baseline():
    """The baseline as the action hands it over."""
    return {**BASELINE.to_dict(), "digest": BASELINE.digest}


def certificate(name, days_begin="2026-09-01T00:00:00Z", end="2027-03-01T00:00:00Z"):
    return {
        "subject": f"CN={name}",
        "issuer": "CN=Clinic Issuing CA 2",
        "names": [name],
        "not_before": days_begin,
        "not_after": end,
        "key": {"type": "rsa", "bits": 2048},
        "signature_algorithm": "sha256WithRSAEncryption",
        "serial": "0a3f",
        "sha256": hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest(),
    }


def report(endpoint, protocols="rrrraa", name="ehr.clinic.example", forbidden=(), port=443, **more):
    """A wire report. ``protocols`` has one letter per protocol, oldest first: accepted, refused, indeterminate."""
    probes, seen = [], {}
    for protocol, letter in zip(_PROTOCOLS, protocols):
        state, probe = _STATES[letter], protocol.lower()
        alert = 70 if letter == "r" else None
        text = {
            "r": "alert protocol_version (70)",
            "a": "ServerHello with TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            "i": "connection reset, and the control handshake failed as well",
        }[letter]
        seen[protocol] = {"status": state, "probe": probe, "detail": text}
        probes.append(
            {
                "id": probe,
                "hello_sha256": hashlib.sha256(probe.encode()).hexdigest(),
                "hello_length": 517,
                "outcome": state,
                "alert": alert,
                "response": {"r": "15030100020246", "a": "160301003d020000390301", "i": None}[letter],
                "attempts": 1,
                "milliseconds": 3.2,
            }
        )
    made = {
        "endpoint": endpoint,
        "address": "10.20.0.11",
        "port": port,
        "sni": name,
        "scheme": endpoint.split(":")[0],
        "reachable": True,
        "alive": True,
        "plaintext": None,
        "protocols": seen,
        "suites": {
            "selected": {"TLSv1.2": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
            "forbidden": list(forbidden),
            "status": "accepted" if forbidden else "refused",
        },
        "groups": {"selected": {}, "forbidden": [], "status": "refused"},
        "signatures": {"selected": {}, "forbidden": [], "status": "refused"},
        "features": {"compression": False, "secure_renegotiation": True, "extended_master_secret": True},
        "certificates": [{"chain": [certificate(name)], "probe": "tlsv1.3", "name_match": True}],
        "http": {"status": 200, "hsts_max_age": 63072000, "hsts": "max-age=63072000", "location": None},
        "probes": probes,
        "connections": 14,
        "milliseconds": 212.0,
        "started": "2026-11-21T02:00:31Z",
        **more,
    }
    return {**made, "findings": findings(made)}


def findings(made):
    return judge.judge_report(made, BASELINE)


def unreachable(endpoint, port=443):
    made = {
        "endpoint": endpoint,
        "address": "10.20.0.11",
        "port": port,
        "sni": None,
        "scheme": "tls",
        "reachable": False,
        "reason": "connection refused",
        "started": "2026-11-21T02:00:31Z",
    }
    return {**made, "findings": findings(made)}


def excepted(made, check, exception="EXC-2026-014"):
    """The report with one failing check covered by an exception."""
    for item in made["findings"]:
        if item["check"] == check and item["status"] == "fail":
            item.update(status="excepted", exception=exception)
    return made


def listener(
    names, port=443, protocols=("TLSv1.2", "TLSv1.3"), file="/etc/nginx/conf.d/ehr.conf", line=7, default=True
):
    place = (Provenance(file, line, f"ssl_protocols {' '.join(p.replace('v1.0', 'v1') for p in protocols)};"),)
    return Listener(
        stack="nginx",
        context="server",
        role="server",
        address=f"0.0.0.0:{port}",
        names=tuple(names),
        is_default=default,
        tls=True,
        settings={
            "protocols": Setting(tuple(protocols), place),
            "suites_tls12": Setting(
                BASELINE.suites_tls12, (Provenance("/etc/nginx/nginx.conf", 31, "ssl_ciphers ..."),)
            ),
            "hsts_max_age": Setting(63072000, (Provenance(file, line + 4, "add_header Strict-Transport-Security"),)),
            "session_tickets": Setting("off", (Provenance(file, line + 1, "ssl_session_tickets off;"),)),
        },
        endpoints=(f"https://127.0.0.1:{port}?sni={names[0]}",),
    )


def audit(listeners, version=(1, 22, 1), exports=None):
    """The result of a ``_tls_info`` module."""
    plain = [
        {
            **one._asdict(),
            "names": list(one.names),
            "endpoints": list(one.endpoints),
            "settings": {
                key: {
                    "value": list(s.value) if isinstance(s.value, tuple) else s.value,
                    "provenance": [p._asdict() for p in s.provenance],
                }
                for key, s in one.settings.items()
            },
        }
        for one in listeners
    ]
    found = judge.judge_listeners(listeners, BASELINE, {"stack": "nginx"})
    found.append(
        judge.finding("config.valid", "pass", "configured", {"stack": "nginx"}, "the daemon's own test passes")
    )
    files = exports or [
        {"name": "etc/nginx/nginx.conf", "text": "ssl_ciphers ...;\ninclude conf.d/*.conf;\n", "redactions": 0},
        {
            "name": "etc/nginx/conf.d/ehr.conf",
            "text": "proxy_set_header Authorization [redacted];\n",
            "redactions": 1,
        },
    ]
    return {
        "changed": False,
        "findings": found,
        "instances": [
            {
                "name": "nginx",
                "version": ".".join(map(str, version)),
                "config": "/etc/nginx/nginx.conf",
                "running": True,
                "listeners": plain,
                "export": [dict(item) for item in files],
                "findings": [],
            }
        ],
    }


def hosts():
    """Three tested hosts: one clean, one with a forgotten listener, one with every other state."""
    ehr, hl7, portal = HOSTS
    weak = [{"protocol": "TLSv1.2", "suite": "TLS_RSA_WITH_AES_128_CBC_SHA", "probe": "tlsv1.2"}]
    return [
        {
            "host": ehr,
            "reachable": True,
            "stacks": {"nginx": audit([listener(["ehr.clinic.example"]), listener(["pacs.clinic.example"], 8443)])},
            "scans": [
                report(f"https://{ehr}:443?sni=ehr.clinic.example"),
                report(f"https://{ehr}:8443?sni=pacs.clinic.example", name="pacs.clinic.example", port=8443),
                report(f"https://{ehr}:9443?sni=lab.clinic.example", name="lab.clinic.example", port=9443),
                report(f"tls://{ehr}:2762?sni=dicom.clinic.example", name="dicom.clinic.example", port=2762, http=None),
                report(f"https://{ehr}:10443?sni=fhir.clinic.example", name="fhir.clinic.example", port=10443),
            ],
        },
        {
            "host": hl7,
            "reachable": True,
            "stacks": {
                "nginx": audit(
                    [
                        listener(["hl7.clinic.example"]),
                        listener(
                            ["legacy.clinic.example"],
                            8443,
                            ("TLSv1.0", "TLSv1.1", "TLSv1.2"),
                            "/etc/nginx/sites-enabled/zz-legacy.conf",
                            12,
                        ),
                    ],
                    (1, 18, 0),
                )
            },
            "scans": [
                report(f"https://{hl7}:443?sni=hl7.clinic.example", name="hl7.clinic.example"),
                report(
                    f"https://{hl7}:8443?sni=legacy.clinic.example",
                    "rraaar",
                    "legacy.clinic.example",
                    weak,
                    8443,
                    http={"status": 200, "hsts_max_age": None, "hsts": None, "location": None},
                ),
                excepted(
                    report(
                        f"tls://{hl7}:2575?sni=pump.clinic.example",
                        "rraraa",
                        "pump.clinic.example",
                        port=2575,
                        http=None,
                    ),
                    "protocol.tls1_0",
                ),
                report(
                    f"tls://{hl7}:2576?sni=adt.clinic.example", "rriiaa", "adt.clinic.example", port=2576, http=None
                ),
                unreachable(f"tls://{hl7}:2577", 2577),
            ],
        },
        {
            "host": portal,
            "reachable": True,
            "stacks": {"nginx": audit([listener(["portal.clinic.example", "www.clinic.example"])], (1, 26, 3))},
            "scans": [
                report(f"https://{portal}:443?sni=portal.clinic.example", name="portal.clinic.example"),
                # The file is right; the process was never reloaded.
                report(f"https://{portal}:443?sni=www.clinic.example", "rrraaa", "www.clinic.example"),
                report(f"https://{portal}:8443?sni=admin.clinic.example", name="admin.clinic.example", port=8443),
                report(f"https://{portal}:9443?sni=api.clinic.example", name="api.clinic.example", port=9443),
                report(f"https://{portal}:10443?sni=pay.clinic.example", name="pay.clinic.example", port=10443),
            ],
        },
    ]


def exception(name="EXC-2026-014", **more):
    """An entry of the register of exceptions (docs/schemas/exceptions.schema.json)."""
    return {
        "id": name,
        "title": "Infusion-pump gateway accepts TLS 1.0",
        "status": "approved",
        "scope": {"hosts": [HOSTS[1]], "ports": [2575], "checks": ["protocol.tls1_0"]},
        "justification": "Firmware 3 of the pumps has no TLS 1.2",
        "risk": {"rating": "high", "statement": "Interception on VLAN 240"},
        "compensating_controls": ["VLAN 240 is isolated", "IPsec to the interface engine"],
        "owner": {"name": "J. Doe", "team": "Biomed", "email": "biomed@clinic.example"},
        "requested": "2026-10-02",
        "approval": {"by": "A. Roe", "date": "2026-10-09", "reference": "CHG-4711"},
        "expires": "2027-02-28",
        "remediation": {
            "plan": "firmware 4",
            "ticket": "BIO-88",
            "milestones": [{"date": "2026-12-15", "what": "pilot"}, {"date": "2027-02-15", "what": "rollout"}],
        },
        **more,
    }
