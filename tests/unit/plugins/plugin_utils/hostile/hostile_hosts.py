"""What a host may send: an honest result of each module with everything in it, and ways to spoil any part of one."""

from __future__ import annotations

import copy
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "evidence"))
import evidence_samples as samples

MOMENT = "2026-11-21T02:00:00Z"

#: Put in the place of any part of a result. Nothing of it is what belongs there.
ABSURD = {
    "nothing": None,
    "true": True,
    "negative": -1,
    "fraction": 0.5,
    "not a number": float("nan"),
    "endless": float("inf"),
    "beyond counting": 1 << 80,
    "empty text": "",
    "text": "x",
    "a port that is no digit": "x:\u00b2",
    "a port of too many digits": "x:" + "9" * 5000,
    "another host": samples.HOSTS[0],
    "a path elsewhere": "../../../../root/.ssh/authorized_keys",
    "a time to come": "9999-12-31T23:59:59Z",
    "a time that never was": "0000-13-41T25:61:61Z",
    "bytes of no text": "\udcff\ud800",
    "empty list": [],
    "list": ["x"],
    "list of nothing": [None],
    "list of lists": [[]],
    "list of mappings": [{}],
    "empty mapping": {},
    "mapping": {"x": "y"},
}


def audit():
    """A result of ``nginx_tls_info`` with everything that such a result may hold."""
    found = json.loads(json.dumps(samples.audit([samples.listener(["ehr.clinic.example"])])))
    uri = found["instances"][0]["listeners"][0]["endpoints"][0]
    leaf = {**samples.certificate("ehr.clinic.example"), "sha256_spki": "5d" * 32, "common_name": "ehr"}
    shown = samples.report(uri)
    found["findings"] += [dict(item, subject={**item["subject"], "stack": "nginx"}) for item in shown.pop("findings")]
    shown["certificates"][0].update(order="ordered", trust={"trusted": True, "reason": "ok", "lifetime_limit": 398})
    found["instances"][0].update(
        changed=False,
        failed=False,
        library="OpenSSL 3.0.15",
        package="nginx 1.22.1-9+deb12u2",
        msg="nothing to change",
        reloaded=False,
        undone=None,
        step=None,
        output="",
        shadow_test=None,
        transaction=None,
        recovery=None,
        warnings=["a remark"],
        files=[{"path": "/etc/nginx/nginx.conf", "before": "0" * 64, "after": "1" * 64, "diff": "-a\n+b\n"}],
        edits=[{"file": "/etc/nginx/nginx.conf", "line": 3, "check": "protocol.tls1_0", "reason": "TLSv1.0 is on"}],
        proofs=[{"endpoint": uri, "before": {"TLSv1.2": "accepted"}, "after": {"TLSv1.2": "accepted"}}],
        process={"pid": 411, "started": MOMENT, "serves_since": MOMENT},
        documents=[{"path": "/etc/nginx/nginx.conf", "modified": MOMENT}],
        handshakes=[shown],
        certificates=[
            {
                "path": "/etc/ssl/ehr.pem",
                "use": "certificate",
                "listeners": ["server 0.0.0.0:443"],
                "endpoints": [uri],
                "elsewhere": False,
                "error": None,
                "format": "PEM",
                "chain": [leaf],
                "count": 1,
                "order": "ordered",
                "has_key": False,
                "access": {"owner": "root", "group": "root", "mode": "0644", "acl": False, "others": True},
            }
        ],
    )
    return {**found, "msg": "nginx 1.22.1: nothing to change"}


def change():
    """A result of ``nginx_tls`` that changed something."""
    found = audit()
    found["instances"][0].update(changed=True, transaction="20261121T020000Z-1")
    return {**found, "changed": True}


def discovered():
    """A result of ``discover``."""
    socket = {
        "address": "0.0.0.0",
        "port": 8443,
        "scope": "any",
        "namespace": None,
        "process": {"pid": 812, "program": "/usr/sbin/nginx", "command": "nginx: master process", "user": "root"},
        "package": "nginx",
        "unit": "nginx.service",
        "container": "",
        "clients": {"local": 0, "remote": 3},
        "transport": "tls",
        "scheme": "https",
        "endpoint": "https://127.0.0.1:8443?sni=",
        "detail": "TLSv1.2",
        "verdict": "compliant",
        "protocols": ["TLSv1.2"],
        "certificates": [samples.certificate("ehr.clinic.example")],
    }
    return {"changed": False, "msg": "1 socket", "hostname": "ehr", "addresses": ["192.0.2.1"], "listeners": [socket]}


def used():
    """A result of ``usage``."""
    row = {
        "stack": "nginx",
        "listener": "*:443",
        "ports": [443],
        "direction": "incoming",
        "client": "192.0.2.17",
        "protocol": "TLSv1.0",
        "suite": "TLS_RSA_WITH_AES_128_CBC_SHA",
        "count": 412,
        "first": MOMENT,
        "last": MOMENT,
        "below": ["TLSv1.0", "TLS_RSA_WITH_AES_128_CBC_SHA"],
        "breaks": "yes",
        "newer": None,
    }
    unknown = {"stack": "vsftpd", "listener": "*:21", "reason": "debug_ssl is NO"}
    logs = [{"stack": "nginx", "path": "/var/log/nginx/access.log", "files": [], "lines": 3, "errors": []}]
    about = {"changed": False, "msg": "1 client", "since": MOMENT, "profile": "intermediate"}
    return {**about, "handshakes": [row], "unknown": [unknown], "logs": logs}


def report():
    """A wire report as ``tls_scan`` returns it."""
    made = json.loads(json.dumps(samples.report("https://ehr.clinic.example:443")))
    made["certificates"][0].update(order="ordered", name_match=True)
    return {**made, "vantage": "scanner1", "verdict": "compliant", "starttls": None}


def places(value, at=()):
    """The way to every part of a result: of each list the first item stands for all."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*at, key))


def part(value, at):
    """What stands at a place."""
    for key in at:
        value = value[key]
    return value


def spoiled(result, at, absurd):
    """The result with something absurd at that place."""
    if not at:
        return absurd
    made = copy.deepcopy(result)
    part(made, at[:-1])[at[-1]] = absurd
    return made


def missing(result, at):
    """The result without that key."""
    made = copy.deepcopy(result)
    del part(made, at[:-1])[at[-1]]
    return made


def every(result):
    """(where, how, the spoiled result): each part once in each way, and once left out.

    It is one result, whole again before the next is asked for: to copy it thousands of times takes most of a minute.
    """
    for how, absurd in ABSURD.items():
        yield (), how, absurd
    made = copy.deepcopy(result)
    for at in list(places(result))[1:]:
        around, key = part(made, at[:-1]), at[-1]
        whole = list(around) if isinstance(around, list) else dict(around)
        for how, absurd in ABSURD.items():
            around[key] = absurd
            yield at, how, made
        del around[key]
        yield at, "left out", made
        around.clear()
        around.extend(whole) if isinstance(around, list) else around.update(whole)


def together(result, ways):
    """(how, the result with everything spoiled in that way at once). ``ways`` are pairs of where and how."""
    for how, absurd in ABSURD.items():
        made = copy.deepcopy(result)
        for at in sorted((at for at, way in ways if way == how), key=len, reverse=True):
            made = spoiled(made, at, absurd)
        yield how, made
