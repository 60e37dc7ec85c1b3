# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Postfix on a host: instances, its own test and ours, generations, and what is exported without secrets."""

from __future__ import annotations

import os
import re

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError, TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Process
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import machine
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import (
    MemoryHost,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.postfix_tools import (
    FIXTURES,
    GOOD,
    MAIN,
    MASTER,
    POSTFIX,
    SERVICES,
    Case,
    instance,
)

PROGRAMS = {"postconf": "/usr/sbin/postconf"}
SAYS = {
    "/usr/sbin/postconf -d": Completed(0, (FIXTURES / "defaults" / "3.7.11.txt").read_text(), ""),
    "/usr/sbin/postconf -T run-version": Completed(0, "OpenSSL 3.0.19 27 Jan 2026\n", ""),
    "/usr/sbin/postfix": "",
}
#: Without certificates, which the test would open.
PLAIN = GOOD.replace("smtpd_tls_cert_file = /etc/ssl/a.pem", "smtpd_tls_chain_files = /etc/ssl/a.pem")


def host(files=None, processes=(), answers=None):
    files = {MAIN: PLAIN, MASTER: SERVICES, "/etc/ssl/a.pem": "", **(files or {})}
    return MemoryHost(files, answers={**SAYS, **(answers or {})}, processes=processes, programs=PROGRAMS)


def process(pid, ppid, start, *argv, exe=None):
    return Process(pid, ppid, start, argv, exe or f"/usr/lib/postfix/sbin/{argv[0]}")


PID = {"/var/spool/postfix/pid/master.pid": "           41\n"}
MASTER_PROCESS = process(41, 1, 100, "/usr/lib/postfix/sbin/master", "-w", exe="/usr/lib/postfix/sbin/master")
QUEUE = process(43, 41, 101, "qmgr", "-l", "-t", "unix", "-u")


# --- instances --------------------------------------------------------------------------------------------------


def test_discover():
    (found,) = POSTFIX.discover(host())
    assert (found.name, found.version, found.running) == (MAIN, (3, 7, 11), False)
    assert found.capabilities.version == (3, 0, 19)
    (found,) = POSTFIX.discover(host(PID, [MASTER_PROCESS, QUEUE]))
    assert found.running


def test_discovery_starts_two_programs():
    there = host()
    POSTFIX.discover(there)
    assert [" ".join(argv) for argv in there.ran] == ["/usr/sbin/postconf -d", "/usr/sbin/postconf -T run-version"]


def test_no_postfix_and_none_configured():
    assert POSTFIX.discover(MemoryHost({})) == []
    assert POSTFIX.discover(MemoryHost({}, answers=SAYS, programs=PROGRAMS)) == []


def test_instances_of_postmulti():
    other = "/etc/postfix-out"
    files = {
        MAIN: PLAIN + f"multi_instance_directories = {other} /etc/postfix-gone\n",
        f"{other}/main.cf": "queue_directory = /var/spool/out\n",
        f"{other}/master.cf": SERVICES,
        "/var/spool/out/pid/master.pid": "77\n",
    }
    running = process(77, 1, 9, "master", exe="/usr/lib/postfix/sbin/master")
    found = POSTFIX.discover(host(files, [running]))
    assert [(one.config, one.running) for one in found] == [(MAIN, False), (f"{other}/main.cf", True)]
    assert POSTFIX.test_command(found[1]) == ["/usr/sbin/postfix", "-c", other, "check"]


def test_a_broken_main_is_found_all_the_same():
    there = host({MAIN: "nonsense\n"})
    (found,) = POSTFIX.discover(there)
    with pytest.raises(ConfigurationError, match=r'main\.cf:1:9: "=" is missing'):
        POSTFIX.read(there, found)
    assert not POSTFIX.test(there, found).ok


def test_ports_of_services():
    text = "smtp\t25/tcp\tmail\nodd-mail 2526/tcp x y # z\nodd-mail 9/udp\n"
    ports = machine.read_ports(MemoryHost({"/etc/services": text}))
    assert [ports[name] for name in ("smtp", "mail", "odd-mail", "y", "submission")] == [25, 25, 2526, 2526, 587]
    assert machine.read_ports(MemoryHost({}))["smtps"] == 465


# --- test ---------------------------------------------------------------------------------------------------------


def judged(main=PLAIN, master=SERVICES, version="3.7.11", **more):
    return POSTFIX.test(host({MAIN: main, MASTER: master, **more}), instance(version))


def test_what_is_right_passes():
    assert judged() == (True, "", ())


@pytest.mark.parametrize(
    "main, master, version, words",
    [
        (PLAIN + "smtpd_tls_security_level = strong\n", SERVICES, "3.7.11", "main.cf:9: .*no security level"),
        (PLAIN + "smtpd_tls_protocols = >=TLSv1.2 # strong\n", SERVICES, "3.7.11", '"#" names no protocol'),
        (PLAIN + "smtpd_tls_protocols = >=TLSv1.2\n", SERVICES, "3.5.25", "needs Postfix 3.6"),
        (PLAIN + "smtpd_tls_mandatory_ciphers = hgih\n", SERVICES, "3.7.11", '"hgih" is no cipher grade'),
        (PLAIN + "smtpd_tls_exclude_ciphers = !aNULL\n", SERVICES, "3.7.11", '"!aNULL" cannot be excluded'),
        (PLAIN, SERVICES + "2525 inet n - n - - smtpd -o a=!b, c\n", "3.7.11", 'unexpected argument "c"'),
        (PLAIN + "smtpd_tls_chain_files = /gone.pem\n", SERVICES, "3.7.11", "/gone.pem: No such file"),
        (GOOD, SERVICES, "3.7.11", "/etc/ssl/a.pem"),
    ],
)
def test_what_postfix_check_passes_and_daemons_do_not(main, master, version, words):
    result = judged(main, master, version)
    assert not result.ok
    assert re.search(words, result.output), result.output


def test_what_is_wrong_for_clients_is_a_warning():
    result = judged(PLAIN + "smtp_tls_protocols = TLS1.2\n")
    assert result.ok and 'smtp/unix: "TLS1.2" names no protocol' in result.warnings[0]


def test_the_words_of_postfix_come_first():
    said = Completed(1, "", "postfix: fatal: /etc/postfix/main.cf, line 3: missing '='")
    result = POSTFIX.test(host(answers={"/usr/sbin/postfix": said}), instance())
    assert not result.ok and "missing '='" in result.output


def test_files_that_cannot_be_read():
    there = MemoryHost({MAIN: PLAIN})
    with pytest.raises(ConfigurationError, match=r"master\.cf: cannot be read: No such file"):
        POSTFIX.read(there, instance())


# --- generations --------------------------------------------------------------------------------------------------


def test_a_generation_ends_with_its_queue_manager():
    idle = process(44, 41, 102, "smtpd", "-n", "smtp")
    first = POSTFIX.generation(host(PID, [MASTER_PROCESS, QUEUE, idle]), instance())
    later = POSTFIX.generation(host(PID, [MASTER_PROCESS, QUEUE]), instance())
    assert first == later == ((41, 100), (43, 101)), "children come and go without a reload"
    there = host(PID, [MASTER_PROCESS])
    assert not POSTFIX.settled(there, instance(), first)
    new = QUEUE._replace(pid=50, start=20000)
    assert POSTFIX.settled(host(PID, [MASTER_PROCESS, new]), instance(), first)
    hertz = os.sysconf("SC_CLK_TCK")
    for seconds, done in ((1, False), (3, True)):
        uptime = {"/proc/uptime": f"{20000 / hertz + seconds:.2f} 1.00"}
        assert POSTFIX.settled(host({**PID, **uptime}, [MASTER_PROCESS, new, idle]), instance(), first) is done


def test_a_pid_that_belongs_to_someone_else():
    assert POSTFIX.generation(host(PID, [MASTER_PROCESS._replace(exe="/bin/sh")]), instance()) is None
    assert POSTFIX.generation(host(), instance()) is None


def test_reload_and_start_concern_one_instance():
    there = host()
    POSTFIX.reload(there, instance())
    POSTFIX.start(there, instance())
    assert there.ran == [["/usr/sbin/postfix", "-c", "/etc/postfix", word] for word in ("reload", "start")]
    failing = host(answers={"/usr/sbin/postfix": Completed(1, "", "postfix: fatal: no")})
    for act in (POSTFIX.reload, POSTFIX.start):
        with pytest.raises(TransactionError, match="failed with status 1"):
            act(failing, instance())


def test_start_by_the_unit_it_ran_under():
    there = host(answers={"systemctl show": Completed(0, "LoadState=loaded\n", ""), "systemctl": ""})
    ran_by = instance()
    ran_by.facts["unit"] = "postfix@-.service"
    POSTFIX.start(there, ran_by)
    assert there.ran[-1] == ["systemctl", "start", "postfix@-.service"]


# --- export -------------------------------------------------------------------------------------------------------


def test_secrets_are_taken_out_and_counted():
    main = GOOD + (
        "smtp_sasl_password_maps = inline:{ relay=ward4:hunter2, { x = user:Winter2014 } }, hash:/etc/postfix/sasl\n"
        "people_bind_pw = very\n  secret\n"
        "smtpd_tls_loglevel = 1\n"
    )
    master = SERVICES + "2525 inet n - n - - smtpd -o my_password=geheim\n"
    files = {one.name: one for one in POSTFIX.export(instance(), Case(main, master).documents)}
    text, options = files["files/etc/postfix/main.cf"], files["files/etc/postfix/master.cf"]
    for secret in ("hunter2", "Winter2014", "very", "secret\n", "geheim"):
        assert secret not in text.text + options.text
    assert "smtpd_tls_loglevel = 1\n" in text.text and text.redactions >= 4 and options.redactions == 1
    assert text.text.count("\n") == main.count("\n")
    assert '"protocols"' in files["listeners.json"].text
