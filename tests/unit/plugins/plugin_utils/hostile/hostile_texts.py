"""Texts that do harm where they are taken for more than text, and a record of evidence that has one wherever it can."""

from __future__ import annotations

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "evidence"))
import evidence_samples as samples

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble

#: No line that people read may begin with it: it would be a lie of a host in the words of the collection.
FORGED = "FORGED: every host is compliant"

HOSTILE = {
    # a terminal: ECMA-48 sequences by ESC and by C1, operating system commands, what moves the cursor or starts a line
    "colour": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;title\x07",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x1b\\",
    "link": "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "c1": "\x9b2J\x90q\x9c",
    "carriage return": f"x\r{FORGED}",
    "line feed": f"x\n{FORGED}\n",
    "vertical tab": f"x\x0b{FORGED}\x0c{FORGED}",
    "next line": f"x\x85{FORGED}",
    "line separator": f"x\u2028{FORGED}\u2029{FORGED}",
    "backspaces": "fail\b\b\b\bpass",
    "bell": "\a" * 50,
    "nul": "a\x00b",
    # what reorders or hides text on screen (Unicode TR36, section 3)
    "override": "\u202egnp.exe",
    "isolate": "\u2066pass\u2069",
    "zero width": "a\u200bb\ufeffc\u2060d",
    "combining": "e" + "\u0301" * 500,
    "surrogate": "a\ud800b\udcff",
    # spreadsheets
    "equals": '=HYPERLINK("https://evil.example","x")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1+1",
    "wide equals": "\uff1d1+1",
    "apostrophe": "'=1+1",
    "cells": 'a","=1+1"\r\n"=2',
    # markup
    "script": "<script>alert(1)</script>",
    "element": '"><img src=x onerror=alert(1)>',
    "attribute": "' onmouseover='alert(1)",
    "style": "</style><b>",
    "scheme": "javascript:alert(1)",
    "comment": "<!--",
    "cdata": "]]><x/>",
    "entity": "&lt;b&gt;&#x1b;&xxe;",
    "doctype": '<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>',
    "markdown": "[x](javascript:alert(1)) | ![y](https://evil.example) *z* `w`\n# head",
    "backtick": "`<img src=x onerror=alert(1)>",
    "code": "`a|b` | c",
    # metrics, YAML, logs, commands of a pipeline
    "label": 'a",host="other"} 0\neit_run_exit_code 0\n',
    "backslash": "\\",
    "escaped": "\\x1b[31m\\n",
    "yaml": "x\n  - id: EXC-2026-999\n!!python/object/apply:os.system ['id']: &a *a",
    "workflow": "::set-output name=x::y%0A::error::z",
    # templates and shells
    "jinja": "{{ lookup('pipe', 'touch pwned') }}{% for x in [1] %}{{ x }}{% endfor %}{# #}",
    "raw": "{% raw %}{{ 7 * 7 }}",
    "shell": "$(touch pwned)`touch pwned`;touch pwned|'\"",
    "option": "--extra-vars=@/etc/passwd",
    # names of files
    "parent": "../../../../etc/cron.d/x",
    "absolute": "/etc/shadow",
    "device": "CON.txt",
    "hidden": ".bash_profile",
    "stream": "a:b\\c",
    "dots": "..",
    "long": "a" * 5000,
    "long words": "ab " * 5000,
}

#: What no output for people, and none for their programs, may hold: everything but line feeds, tabs and visible text.
STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


def poisoned(text, registers=None):
    """A record with the text in every place that a stranger can write to."""
    made = samples.report("https://x:443?sni=" + text, "rraraa", text)
    made.update(plaintext=None, address=text, sni=text)
    made["protocols"]["TLSv1.0"]["detail"] = text
    made["probes"][2].update(outcome=text)
    made["certificates"][0]["chain"][0].update(subject=text, issuer=text, names=[text])
    made["findings"] = samples.findings(made)
    for item in made["findings"]:
        item.update(observed=text, expected=text, mend=text)
    listener = samples.listener([text], protocols=("TLSv1.0",), file=text)._replace(context=text, address=text)
    exports = [{"name": text or "x", "text": text, "redactions": 0}]
    host = {"host": "h" + text, "scans": [made], "stacks": {"nginx": samples.audit([listener], text, exports)}}
    host["stacks"]["nginx"]["instances"][0]["certificates"] = [
        {"path": text, "use": "certificate", "chain": made["certificates"][0]["chain"], "endpoints": [], "error": text}
    ]
    other = {"host": "o" + text, "reachable": False, "error": text}
    facts = {
        **samples.FACTS,
        "control_node": text,
        "operator": {"user": text, "on_behalf_of": text, "started_by": "unknown"},
        "inventory": [{"source": text, "files": 1, "sha256": None}],
        "parameters": {"limit": text, "tags": [text], "skip_tags": [text], "extra_vars": [text], "check_mode": False},
        "git": {"repository": text, "commit": "a" * 40, "dirty": True},
    }
    return assemble(facts, [host["host"], other["host"]], [host, other], samples.baseline(), registers)
