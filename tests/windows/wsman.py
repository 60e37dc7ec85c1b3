# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A double of Windows Remote Management on loopback: real pywinrm talks to it, and its commands run in Wine.

It speaks the part of [MS-WSMV] that pywinrm uses: Create, Command, Send, Receive, Signal, Delete. Where Windows would
run the command by cmd.exe it does so in Wine; where that would be PowerShell it does what the script says, for three
scripts it knows: ours for older releases of Ansible, which is one call of cmd.exe; Ansible's for copying a file; and
Ansible's for starting a module, of which it only counts the bytes. Anything else is an error, so that this file says
exactly what our commands look like on the wire.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import typing as t
import uuid
import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix

_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_PLAIN = "type nul& "
_OURS = re.compile(r"cmd\.exe /d /s /c '((?:[^']|'')*)'; exit \$LASTEXITCODE\Z")
_ENCODED = re.compile(r"PowerShell .*-EncodedCommand ([A-Za-z0-9+/=]+)\Z")


class Count(t.NamedTuple):
    """Requests answered, bytes of their bodies, and bytes of the answers'."""

    messages: int
    sent: int
    received: int

    @property
    def size(self) -> int:
        return self.sent + self.received

    def since(self, before: Count) -> Count:
        """What was added after ``before``."""
        return Count(*(now - then for now, then in zip(self, before)))


class Service:
    """The double, as a context. ``commands`` are the lines cmd.exe got; ``count`` what went over the wire."""

    def __init__(self, prefix: Prefix) -> None:
        self.prefix = prefix
        self.commands: list[str] = []
        self.modules = 0
        self.count = Count(0, 0, 0)
        self._running: dict[str, tuple[str, bytearray]] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not (self.headers["Authorization"] or "").startswith("Basic "):
                    self._answer(401, b"")
                    return
                answer = service.answer(body) if body else b""
                done = service.count
                service.count = Count(done.messages + 1, done.sent + len(body), done.received + len(answer))
                self._answer(200, answer)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="WSMAN"')
                self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: t.Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def __enter__(self) -> Service:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def variables(self) -> dict[str, t.Any]:
        """What an inventory says of this host."""
        return {
            "ansible_connection": "winrm",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "administrator",
            "ansible_password": "none",
            "ansible_winrm_scheme": "http",
            "ansible_winrm_transport": "basic",
            "ansible_shell_type": "powershell",
        }

    # --- the protocol ---------------------------------------------------------------------------------------------

    def answer(self, body: bytes) -> bytes:
        root = ElementTree.fromstring(body)
        found = {node.tag.rpartition("}")[2]: (node.text or "") for node in root.iter()}
        action = found["Action"].rpartition("/")[2]
        text = getattr(self, f"_{action.lower()}")(root, found)
        head = f"<a:RelatesTo>{found['MessageID']}</a:RelatesTo><a:Action>{found['Action']}Response</a:Action>"
        return (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            f'xmlns:rsp="{_SHELL}" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">'
            f"<s:Header>{head}</s:Header><s:Body>{text}</s:Body></s:Envelope>"
        ).encode()

    def _create(self, _root: ElementTree.Element, _found: dict[str, str]) -> str:
        return f'<rsp:Shell><w:Selector Name="ShellId">{uuid.uuid4()}</w:Selector></rsp:Shell>'

    def _delete(self, _root: ElementTree.Element, _found: dict[str, str]) -> str:
        return ""

    def _signal(self, _root: ElementTree.Element, _found: dict[str, str]) -> str:
        return "<rsp:SignalResponse/>"

    def _command(self, _root: ElementTree.Element, found: dict[str, str]) -> str:
        identity = str(uuid.uuid4())
        line = " ".join(filter(None, (found.get("Command"), found.get("Arguments"))))
        self._running[identity] = (line, bytearray())
        return f"<rsp:CommandResponse><rsp:CommandId>{identity}</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, root: ElementTree.Element, _found: dict[str, str]) -> str:
        for node in root.iter(f"{{{_SHELL}}}Stream"):
            self._running[node.attrib["CommandId"]][1].extend(base64.b64decode(node.text or ""))
        return "<rsp:SendResponse/>"

    def _receive(self, root: ElementTree.Element, _found: dict[str, str]) -> str:
        identity = next(root.iter(f"{{{_SHELL}}}DesiredStream")).attrib["CommandId"]
        line, stdin = self._running.pop(identity)
        code, output = self._run(line, bytes(stdin))
        stream = base64.b64encode(output).decode()
        return (
            f'<rsp:ReceiveResponse><rsp:Stream Name="stdout" CommandId="{identity}">{stream}</rsp:Stream>'
            f'<rsp:CommandState CommandId="{identity}" State="{_SHELL}/CommandState/Done">'
            f"<rsp:ExitCode>{code}</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>"
        )

    # --- what Windows would do --------------------------------------------------------------------------------------

    def _run(self, line: str, stdin: bytes) -> tuple[int, bytes]:
        assert len(line) <= 8191, "WinRM starts commands by cmd.exe, which takes no longer line"
        if line.startswith(_PLAIN):
            return self._cmd(line)
        encoded = _ENCODED.match(line)
        assert encoded, f"not started as Ansible starts PowerShell: {line[:80]}"
        script = base64.b64decode(encoded[1]).decode("utf-16-le")
        ours = _OURS.match(script)
        if ours:
            return self._cmd(ours[1].replace("''", "'"))
        _head, end, rest = stdin.partition(b"\n\0\0\0\0\n")
        assert end, f"no script this double knows: {script[:200]}"
        manifest, _end, data = rest.partition(b"\n\0\0\0\0\n")
        actions = json.loads(manifest)["actions"]
        if actions[0]["name"] == "winrm_put_file.ps1":
            content = b"".join(base64.b64decode(part) for part in data.split())
            self.prefix.local(actions[0]["params"]["Path"]).write_bytes(content)
            return 0, json.dumps({"sha1": hashlib.sha1(content).hexdigest()}).encode()
        self.modules += 1
        return 0, b'{"changed": false}'

    def _cmd(self, command: str) -> tuple[int, bytes]:
        self.commands.append(command)
        done = self.prefix.cmd(command)
        return done.returncode, done.stdout
