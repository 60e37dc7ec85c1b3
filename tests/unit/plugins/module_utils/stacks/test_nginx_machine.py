# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx on a host: what it says of itself, running and installed instances, reload and generations."""

from __future__ import annotations

import signal

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Process
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import machine
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import (
    MAIN,
    MemoryHost,
)

NGINX = Nginx()
DEBIAN = """nginx version: nginx/1.22.1
built with OpenSSL 3.0.15 3 Sep 2024 (running with OpenSSL 3.0.19 27 Jan 2026)
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -fPIC -DX="y z"' --prefix=/usr/share/nginx \
--conf-path=/etc/nginx/nginx.conf --with-http_ssl_module --with-stream=dynamic --with-mail_ssl_module
"""


@pytest.mark.parametrize(
    ("text", "product", "version", "config", "library"),
    [
        (DEBIAN, ("nginx", "1.22.1"), (1, 22, 1), "/etc/nginx/nginx.conf", ("OpenSSL", (3, 0, 19))),
        ("nginx version: nginx/1.18.0 (Ubuntu)\nbuilt with OpenSSL 1.1.1f  31 Mar 2020\n"
         "configure arguments: --prefix=/p\n",
         ("nginx", "1.18.0"), (1, 18, 0), "/p/conf/nginx.conf", ("OpenSSL", (1, 1, 1))),
        ("nginx version: openresty/1.21.4.1\nbuilt with OpenSSL 1.1.1n  15 Mar 2022\n"
         "configure arguments: --prefix=/usr/local/openresty/nginx --with-ld-opt='-Wl,-rpath,/usr/local/lib'\n",
         ("openresty", "1.21.4.1"), (1, 21, 4), "/usr/local/openresty/nginx/conf/nginx.conf", ("OpenSSL", (1, 1, 1))),
        ("Tengine version: Tengine/2.3.3\nnginx version: nginx/1.18.0\nbuilt with OpenSSL 1.1.1k\n",
         ("Tengine", "2.3.3"), (1, 18, 0), "/usr/local/nginx/conf/nginx.conf", ("OpenSSL", (1, 1, 1))),
        ("Angie version: Angie/1.8.1\nbuilt with OpenSSL 3.0.15 3 Sep 2024\nconfigure arguments: --prefix=/etc/angie"
         " --conf-path=/etc/angie/angie.conf\n",
         ("Angie", "1.8.1"), (1, 23, 1), "/etc/angie/angie.conf", ("OpenSSL", (3, 0, 15))),
        ("freenginx version: freenginx/1.29.2\nbuilt with OpenSSL 3.5.0 8 Apr 2025\nconfigure arguments: --prefix=/f\n",
         ("freenginx", "1.29.2"), (1, 27, 2), "/f/conf/nginx.conf", ("OpenSSL", (3, 5, 0))),
        ("nginx version: nginx/1.26.3\nbuilt with LibreSSL 3.8.2\nconfigure arguments: --prefix=/p\n",
         ("nginx", "1.26.3"), (1, 26, 3), "/p/conf/nginx.conf", ("LibreSSL", (3, 8, 2))),
        ("nginx version: nginx/1.26.3\nconfigure arguments: --prefix=/p --without-http_rewrite_module\n",
         ("nginx", "1.26.3"), (1, 26, 3), "/p/conf/nginx.conf", ("", ())),
    ],
)  # fmt: skip
def test_what_a_program_says_of_itself(text, product, version, config, library):
    build = machine.read_build(text)
    assert (build.product, build.product_version) == product
    assert (build.version, build.config) == (version, config)
    assert (build.capabilities.library, build.capabilities.version) == library


def test_another_program_is_no_nginx():
    assert machine.read_build("Server version: Apache/2.4.68 (Debian)\n") is None


def test_modules_are_noted():
    assert machine.read_build(DEBIAN).modules == ("http_ssl_module", "mail_ssl_module", "stream=dynamic")


@pytest.mark.parametrize(
    ("nginx", "library", "tls13", "command"),
    [("1.12.2", "1.1.1", False, False), ("1.18.0", "1.1.1", True, False), ("1.19.4", "1.0.2", False, True),
     ("1.26.3", "3.5.0", True, True)],
)  # fmt: skip
def test_capabilities_are_of_the_whole_build(nginx, library, tls13, command):
    text = f"nginx version: nginx/{nginx}\nbuilt with OpenSSL {library}\nconfigure arguments: --prefix=/p\n"
    found = machine.read_build(text).capabilities
    assert ("TLSv1.3" in found.protocols, "ssl_conf_command" in found.features) == (tls13, command)


def master(pid, arguments, start=100, exe="/usr/sbin/nginx", name="nginx"):
    return Process(pid, 1, start, (f"{name}: master process {arguments}",), exe)


def worker(pid, ppid, start=110, title="worker process", name="nginx"):
    return Process(pid, ppid, start, (f"{name}: {title}",), "/usr/sbin/nginx")


def host(processes=(), **kwargs):
    files = {MAIN: "events {}", "/etc/other.conf": "events {}"}
    known = {"answers": {"/usr/sbin/nginx -V": Completed(0, "", DEBIAN)}, "programs": {"nginx": "/usr/sbin/nginx"}}
    return MemoryHost(files, processes=processes, **{**known, **kwargs})


def test_an_installed_program_that_does_not_run():
    (found,) = NGINX.discover(host())
    assert (found.config, found.running, found.facts["pid"], found.facts["hostname"]) == (
        MAIN,
        False,
        None,
        "host.example",
    )
    assert NGINX.test_command(found) == ["/usr/sbin/nginx", "-t", "-c", MAIN]


def test_no_program_is_no_instance():
    assert NGINX.discover(host(programs={})) == []


def test_a_program_without_its_configuration_is_no_instance():
    assert NGINX.discover(MemoryHost({}, answers=host().answers, programs={"nginx": "/usr/sbin/nginx"})) == []


@pytest.mark.parametrize(
    ("arguments", "config", "options"),
    [
        ("/usr/sbin/nginx -g daemon on; master_process on;", MAIN, ["-g", "daemon on; master_process on;"]),
        ("nginx -c /etc/other.conf", "/etc/other.conf", []),
        ("nginx -c/etc/other.conf -g daemon off;", "/etc/other.conf", ["-g", "daemon off;"]),
        ("nginx -p /srv/web -c conf/n.conf", "/srv/web/conf/n.conf", ["-p", "/srv/web"]),
        ("nginx -p web/ -c n.conf", "/home/ops/web/n.conf", ["-p", "/home/ops/web/"]),
    ],
)
def test_a_running_master_tells_its_configuration(arguments, config, options):
    machine_host = host([master(7, arguments), worker(8, 7)])
    machine_host.cwd = lambda pid: "/home/ops"
    found = NGINX.discover(machine_host)[0]
    assert (found.config, found.running, found.facts["pid"]) == (config, True, 7)
    assert NGINX.test_command(found) == ["/usr/sbin/nginx", "-t", "-c", config, *options]
    assert NGINX.generation(machine_host, found).workers == ((8, 110),)


def test_several_instances_and_two_masters_of_one():
    """While a new program takes over from the old (signal USR2) both run; the younger one is the instance."""
    processes = [
        master(7, "nginx", 100),
        master(9, "nginx", 200),
        master(5, "nginx -c /etc/other.conf"),
        worker(10, 9, 210),
    ]
    found = {one.config: one for one in NGINX.discover(host(processes))}
    assert sorted(found) == [MAIN, "/etc/other.conf"]
    assert found[MAIN].facts["pid"] == 9
    assert NGINX.generation(host(processes), found[MAIN]) == ((9, 200), ((10, 210),))


def test_a_relative_with_another_name():
    text = "Angie version: Angie/1.8.1\nbuilt with OpenSSL 3.0.15\nconfigure arguments: --conf-path=/etc/angie.conf\n"
    processes = [master(7, "/usr/sbin/angie", name="angie", exe="/usr/sbin/angie"), worker(8, 7, name="angie")]
    machine_host = MemoryHost({"/etc/angie.conf": ""}, answers={"/usr/sbin/angie -V": text}, processes=processes)
    machine_host.answers["/usr/sbin/angie -V"] = Completed(0, "", text)
    (found,) = NGINX.discover(machine_host)
    assert (found.config, found.facts["product"]) == ("/etc/angie.conf", "Angie")
    assert len(NGINX.generation(machine_host, found).workers) == 1


# --- generations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "done"),
    [
        ([master(7, ""), worker(8, 7), worker(9, 7)], False),
        ([master(7, ""), worker(8, 7), worker(20, 7, 300)], False),
        ([master(7, ""), worker(8, 7, title="worker process is shutting down"), worker(20, 7, 300)], True),
        ([master(7, ""), worker(20, 7, 300), worker(21, 7, 300)], True),
        ([master(7, "")], False),
        ([], False),
        ([master(30, "", 900), worker(31, 30, 910)], True),
        # The kernel gave the number of an old worker to a new one.
        ([master(7, ""), worker(8, 7, 400)], True),
    ],
)
def test_when_a_reload_is_done(now, done):
    machine_host = host([master(7, ""), worker(8, 7), worker(9, 7), worker(11, 7, title="cache manager process")])
    (found,) = NGINX.discover(machine_host)
    before = NGINX.generation(machine_host, found)
    assert before == ((7, 100), ((8, 110), (9, 110)))
    machine_host.table = now
    assert NGINX.settled(machine_host, found, before) is done


# --- reload and test --------------------------------------------------------------------------------------------


def reload_of(shown, answer):
    machine_host = host([master(7, "")])
    (found,) = NGINX.discover(machine_host)
    machine_host.units[7] = "nginx.service"
    machine_host.answers.update({"systemctl show": Completed(0, shown, ""), "systemctl reload": answer})
    NGINX.reload(machine_host, found)
    return machine_host


def test_a_service_is_reloaded_by_systemd():
    machine_host = reload_of("MainPID=7\nCanReload=yes\n", Completed(0, "", ""))
    assert machine_host.ran[-1] == ["systemctl", "reload", "nginx.service"] and not machine_host.signals


@pytest.mark.parametrize("shown", ["MainPID=6\nCanReload=yes\n", "MainPID=7\nCanReload=no\n", ""])
def test_a_process_systemd_cannot_reload_gets_the_signal(shown):
    machine_host = reload_of(shown, Completed(1, "", ""))
    assert machine_host.signals == [(7, signal.SIGHUP)]


def test_a_reload_that_fails_says_why():
    with pytest.raises(TransactionError, match=r"systemctl reload nginx\.service failed with status 1") as caught:
        reload_of("MainPID=7\nCanReload=yes\n", Completed(1, "", "Job for nginx.service failed"))
    assert (caught.value.step, caught.value.output) == ("reload", "Job for nginx.service failed")


def test_the_words_of_the_configuration_test():
    text = (
        'nginx: [warn] duplicate value "TLSv1.2" in /etc/nginx/nginx.conf:3\n'
        "2026/01/01 00:00:00 [emerg] 1#1: unexpected end of file\n"
    )
    machine_host = host(
        answers={"/usr/sbin/nginx -V": Completed(0, "", DEBIAN), "/usr/sbin/nginx -t": Completed(1, "", text)}
    )
    (found,) = NGINX.discover(machine_host)
    result = NGINX.test(machine_host, found)
    assert not result.ok and "unexpected end of file" in result.output
    assert result.warnings == ('duplicate value "TLSv1.2" in /etc/nginx/nginx.conf:3',)
