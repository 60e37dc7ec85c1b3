# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finding httpd on a host, reloading it, and telling when a reload is done; on hosts made of tables."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import machine, trial
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Process
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.apache_tools import APACHE
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

PROGRAM = "/usr/sbin/apache2"
SHOWN = """Server version: Apache/2.4.62 (Debian)
Server MPM:     event
 -D HTTPD_ROOT="/etc/apache2"
 -D SERVER_CONFIG_FILE="apache2.conf"
"""
STATIC = "Compiled in modules:\n  core.c\n  mod_so.c\n"
LISTENING = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: {address}:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0\n"
)


class Machine(MemoryHost):
    """``sockets`` maps a pid to the inodes of its sockets."""

    def __init__(self, files=None, processes=(), sockets=None, **more):
        answers = {f"{PROGRAM} -V": SHOWN, f"{PROGRAM} -l": STATIC, "systemctl": ""}
        super().__init__({"/etc/apache2/apache2.conf": "", **(files or {})}, None, {**answers, **more}, processes)
        self.sockets = sockets or {}
        self.programs = {"apache2": PROGRAM}

    def run(self, argv, timeout=60, input=None, env=None):
        # Answers in the table are what programs print, and httpd prints to its standard output.
        done = super().run(argv, timeout, input, env)
        return Completed(0, done.stderr, "") if done.rc == 0 else done

    def listdir(self, path):
        parts = path.split("/")
        if parts[1] == "proc" and parts[3:] == ["fd"]:
            return [str(number) for number in range(len(self.sockets.get(int(parts[2]), ())))]
        return super().listdir(path)

    def realpath(self, path):
        parts = path.split("/")
        if parts[1] == "proc" and parts[3:4] == ["fd"]:
            return "/".join([*parts[:4], f"socket:[{self.sockets[int(parts[2])][int(parts[4])]}]"])
        return super().realpath(path)

    def cwd(self, pid):
        return "/"


def process(pid, ppid=1, start=0, argv=(PROGRAM, "-k", "start"), exe=PROGRAM):
    return Process(pid, ppid, start or pid, argv, exe)


def tables(*rows):
    """Files below /proc that show listening sockets: (address in hexadecimal, port, inode)."""
    return {
        "/proc/net/tcp": "".join(
            LISTENING.format(address=address, port=port, inode=inode) for address, port, inode in rows
        )
    }


def test_a_running_instance_is_known_by_its_command_line_and_environment():
    files = {
        "/proc/10/environ": "APACHE_RUN_DIR=/run/apache2\0NOTIFY_SOCKET=/x\0",
        "/proc/10/maps": "7f r-xp 0 fe:00 1    /usr/lib/x86_64-linux-gnu/libcrypto.so.3\n",
        "/usr/lib/x86_64-linux-gnu/libcrypto.so.3": b"\0OpenSSL 3.0.20 3 Mar 2026\0",
        "/srv/httpd/site.conf": "",
    }
    argv = (PROGRAM, "-d", "/srv/httpd", "-f", "site.conf", "-DSTAGE", "-D", "X=1", "-k", "start")
    host = Machine(files, [process(10, argv=argv), process(11, 10, argv=argv), process(12, 10, argv=argv)])
    (found,) = APACHE.discover(host)
    assert (found.config, found.version, found.running) == ("/srv/httpd/site.conf", (2, 4, 62), True)
    assert found.facts["defines"] == ["STAGE", "X=1"] and found.facts["modules"] == ["core.c", "mod_so.c"]
    assert found.facts["environment"]["APACHE_RUN_DIR"] == "/run/apache2" and found.facts["pid"] == 10
    assert (found.capabilities.library, found.capabilities.version) == ("OpenSSL", (3, 0, 20))
    assert found.capabilities.protocols == ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
    assert APACHE.test_command(found) == [
        PROGRAM, "-d", "/srv/httpd", "-f", "site.conf", "-D", "STAGE", "-D", "X=1", "-t",
    ]  # fmt: skip


def test_an_instance_that_does_not_run_has_the_environment_of_its_start_script():
    files = {
        "/etc/apache2/envvars": "export X=1",
        "/usr/lib/apache2/modules/mod_ssl.so": b"OpenSSL 1.1.1w  11 Sep 2023",
    }
    host = Machine(files, **{"/bin/sh": "X=1\0Y=a=b\0"})
    (found,) = APACHE.discover(host)
    assert not found.running and found.config == "/etc/apache2/apache2.conf"
    assert found.facts["environment"] == {"X": "1", "Y": "a=b"} and found.capabilities.version == (1, 1, 1)


def test_the_layout_of_red_hats_family():
    """Another program, root, folder of modules and library; ``conf.d`` has hosts beside the settings of modules."""
    program, shown = (
        "/usr/sbin/httpd",
        SHOWN.replace("/etc/apache2", "/etc/httpd").replace("apache2.conf", "conf/httpd.conf"),
    )
    host_text = "<VirtualHost _default_:443>\nSSLEngine on\nSSLProtocol all -SSLv3\nSSLCipherSuite PROFILE=SYSTEM\n"
    files = {
        "/etc/httpd/conf/httpd.conf": "Listen 80\nInclude conf.modules.d/*.conf\nIncludeOptional conf.d/*.conf\n",
        "/etc/httpd/conf.modules.d/00-ssl.conf": "LoadModule ssl_module modules/mod_ssl.so\n",
        "/etc/httpd/conf.d/ssl.conf": f"Listen 443 https\n{host_text}</VirtualHost>\n",
        "/etc/httpd/conf.d/README": "not read",
        "/proc/10/environ": "LANG=C\0",
        "/proc/10/maps": "7f r-xp 0 fe:00 1    /usr/lib64/libcrypto.so.3.0.7\n",
        "/usr/lib64/libcrypto.so.3.0.7": b"\0OpenSSL 3.0.7 1 Nov 2022\0",
    }
    answers = {f"{program} -V": shown, f"{program} -l": STATIC}
    there = Machine(files, [process(10, argv=(program, "-DFOREGROUND"), exe=program)], **answers)
    there.programs = {"httpd": program}
    (found,) = APACHE.discover(there)
    assert (found.config, found.capabilities.version) == ("/etc/httpd/conf/httpd.conf", (3, 0, 7))
    documents = APACHE.read(there, found)
    assert [document.path for document in documents] == list(files)[:3]
    tls = [one for one in APACHE.effective(found, documents) if one.tls]
    assert [one.settings["protocols"].value[0] for one in tls] == ["TLSv1.0"]
    plan = APACHE.plan(found, documents, model.load(), {})
    assert {edit.path for edit in plan.edits} == {"/etc/httpd/conf.d/ssl.conf"}
    assert {"protocol.tls1_0", "suite.forbidden"} <= {edit.check for edit in plan.edits}


def test_several_instances_and_no_trial_among_them():
    files = {"/etc/apache2-b/apache2.conf": ""}
    hidden = (PROGRAM, "-c", f"PidFile /tmp/{trial.MARK}x/pid")
    other = (PROGRAM, "-d", "/etc/apache2-b", "-k", "start")
    host = Machine(files, [process(10), process(20, argv=other), process(30, argv=hidden), process(11, 10)])
    assert [one.config for one in APACHE.discover(host)] == ["/etc/apache2-b/apache2.conf", "/etc/apache2/apache2.conf"]


def test_a_host_without_httpd():
    host = Machine()
    host.programs = {}
    assert APACHE.discover(host) == []


def test_old_versions_know_no_tls13():
    host = Machine(
        {"/usr/lib/apache2/modules/mod_ssl.so": b"OpenSSL 1.1.1w  11"}, **{f"{PROGRAM} -V": SHOWN.replace("62", "29")}
    )
    assert APACHE.discover(host)[0].capabilities.protocols[-1] == "TLSv1.2"


def running(workers, sockets, **more):
    host = Machine(tables(("00000000", 443, 7)), [process(10), *(process(pid, 10) for pid in workers)], sockets, **more)
    return host, APACHE.discover(host)[0]


def test_workers_are_the_children_that_listen():
    # 12 finishes its transfers and has closed the listening socket; 13 is a piped logger's twin without any.
    host, instance = running([11, 12, 13], {10: [7], 11: [3, 7], 12: [4]})
    assert APACHE.generation(host, instance) == ((10, 10), ((11, 11),))


def test_a_reload_is_done_when_no_old_worker_listens():
    host, instance = running([11], {10: [7], 11: [7]})
    before = APACHE.generation(host, instance)
    assert not APACHE.settled(host, instance, before)
    host.table.append(process(21, 10))
    host.sockets[21] = [7]
    assert not APACHE.settled(host, instance, before)
    host.sockets[11] = []
    assert APACHE.settled(host, instance, before)
    host.table.clear()
    assert APACHE.generation(host, instance) is None and not APACHE.settled(host, instance, before)


@pytest.mark.parametrize(
    "address, port, conflict",
    [
        ("0100007F", 8443, True),
        ("00000000", 8443, True),
        ("0200007F", 8443, False),
        ("0100007F", 8444, False),
    ],
)
def test_a_port_that_another_process_holds(address, port, conflict):
    host, instance = running([], {10: [7], 20: [9]})
    host.files.update({name: text.encode() for name, text in tables(("00000000", 443, 7), (address, port, 9)).items()})
    host.files["/etc/apache2/apache2.conf"] = b"Listen 443\nListen 127.0.0.1:8443\n"
    assert bool(machine.taken(host, instance, APACHE.read(host, instance))) is conflict


def test_addresses_of_the_kernel_tables():
    assert machine._address("0100007F") == "127.0.0.1"
    assert machine._address("00000000000000000000000001000000") == "[::1]"
    assert machine._address("0" * 32) == "*"


def test_reload_by_systemd_where_the_service_can():
    host, instance = running([], {})
    host.units = {10: "apache2.service"}
    host.answers = {"systemctl show": "MainPID=10\nCanReload=yes", "systemctl reload": ""}
    APACHE.reload(host, instance)
    assert ["systemctl", "reload", "apache2.service"] in host.ran and host.signals == []
    host.answers = {"systemctl show": "MainPID=10\nCanReload=yes", "systemctl reload": Completed(1, "", "no")}
    with pytest.raises(TransactionError, match="failed with status 1"):
        APACHE.reload(host, instance)


def test_reload_by_signal_elsewhere():
    host, instance = running([], {})
    APACHE.reload(host, instance)
    assert [pid for pid, _signal in host.signals] == [10]
    host.table.clear()
    with pytest.raises(TransactionError, match="does not run"):
        APACHE.reload(host, instance)


def test_start():
    host, instance = running([], {})
    host.answers = {"systemctl show": "LoadState=not-found", PROGRAM: ""}
    APACHE.start(host, instance)
    assert host.ran[-1] == [PROGRAM, "-k", "start"]
    host.answers = {"systemctl show": "LoadState=loaded", "systemctl": ""}
    APACHE.start(host, instance)
    assert host.ran[-2:] == [
        ["systemctl", "reset-failed", "apache2.service"],
        ["systemctl", "start", "apache2.service"],
    ]
