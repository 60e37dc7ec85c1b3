# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listening sockets and whose they are: what the kernel writes, and what it says of sockets of our own."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import sockets
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Host
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost


@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel writes words in the order of the machine")
@pytest.mark.parametrize(
    ("digits", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000", "0.0.0.0"),
        ("0A0200C0", "192.0.2.10"),
        ("00000000000000000000000000000000", "::"),
        ("00000000000000000000000001000000", "::1"),
        ("B80D0120000000000000000001000000", "2001:db8::1"),
        ("0000000000000000FFFF00000A0200C0", "192.0.2.10"),
    ],
)
def test_addresses_as_the_kernel_writes_them(digits, address):
    assert sockets._address(digits) == address


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_socket_of_ours_is_found_with_its_process(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        port = server.getsockname()[1]
        with socket.create_connection(("::1" if ":" in address else "127.0.0.1", port)):
            (found,) = [one for one in sockets.listening(Host(), everywhere=False) if one.port == port]
    assert (found.address, found.namespace) == (address, None)
    assert found.scope == ("any" if address in ("0.0.0.0", "::") else "loopback")
    assert os.getpid() in found.pids
    assert found.clients == {"local": 1, "remote": 0}
    owner = sockets.owner(Host(), [os.getpid()])
    assert owner.program == os.path.realpath(sys.executable)
    assert "python" in owner.command


def test_a_process_that_ended_is_nobody():
    assert sockets.owner(Host(), []) == (0, "", "", "", "")
    assert sockets.owner(Host(), [2**22 + 1]).program == ""


def test_what_only_the_service_manager_holds_is_of_its_socket_unit():
    shown = "127.0.0.1:631 cups.socket cups.service\n[::]:22 ssh.socket ssh.service\n"
    host = MemoryHost({}, answers={"systemctl list-sockets": Completed(0, shown, "")})
    assert sockets._socket_unit(host, "[::]:22") == "ssh.socket"
    assert sockets._socket_unit(host, "[::]:222") == ""


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        ("0::/machine.slice/libpod-4f2a9c0d1e2b3a4f5c6d.scope/container", "4f2a9c0d1e2b"),
        ("0::/system.slice/docker-4f2a9c0d1e2b3a4f5c6d.scope", "4f2a9c0d1e2b"),
        ("12:pids:/docker/4f2a9c0d1e2b3a4f5c6d", "4f2a9c0d1e2b"),
        ("0::/kubepods.slice/cri-containerd-4f2a9c0d1e2b3a4f.scope", "4f2a9c0d1e2b"),
        ("0::/lxc.payload.mail/system.slice/x.service", "mail"),
        ("0::/system.slice/nginx.service", ""),
    ],
)
def test_containers_by_their_control_group(cgroup, container):
    host = MemoryHost({"/proc/1/cgroup": "0::/init.scope\n", "/proc/7/cgroup": f"{cgroup}\n"})
    assert sockets._container(host, 7) == container


def test_a_host_that_is_a_container_itself_is_none_to_its_processes():
    whole = "0::/machine.slice/libpod-4f2a9c0d1e2b3a4f5c6d.scope"
    files = {"1": "/init.scope", "7": "/system.slice/nginx.service", "8": "/docker/99aa9c0d1e2b3a4f5c6d"}
    host = MemoryHost({f"/proc/{pid}/cgroup": f"{whole}{below}\n" for pid, below in files.items()})
    assert (sockets._container(host, 7), sockets._container(host, 8)) == ("", "99aa9c0d1e2b")


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["app", "--password", "hunter2", "--port", "1"], "app --password [redacted] --port 1"),
        (["java", "-Dkeystore.password=hunter2"], "java -Dkeystore.password=[redacted]"),
        (["app", "postgres://u:hunter2@db/x"], "app postgres://[redacted]@db/x"),
        (["nginx: master process"], "nginx: master process"),
    ],
)
def test_command_lines_show_no_secret(argv, shown):
    assert sockets.command(argv) == shown


def test_long_command_lines_are_cut():
    assert len(sockets.command(["x"] * 1000)) == 300


def test_packages_are_asked_for_once():
    shown = "nginx-core:amd64: /usr/sbin/nginx\nopenssh-server: /sbin/sshd\n"
    tool = "/usr/bin/dpkg-query"
    host = MemoryHost({}, answers={f"{tool} -S": Completed(1, shown, "")}, programs={"dpkg-query": tool})
    programs = ["/usr/sbin/nginx", "/usr/sbin/sshd", "/opt/app/server", "/usr/sbin/nginx"]
    assert sockets.packages(host, programs) == {"/usr/sbin/nginx": "nginx-core", "/usr/sbin/sshd": "openssh-server"}
    assert len(host.ran) == 1


def test_packages_of_rpm():
    lines = ["file /opt/app/server is not owned by any package", "nginx-core", "file /sbin/nginx is not owned by any"]
    answer = Completed(1, "\n".join(lines) + "\n", "")
    host = MemoryHost({}, answers={"/usr/bin/rpm -qf": answer}, programs={"rpm": "/usr/bin/rpm"})
    assert sockets.packages(host, ["/usr/sbin/nginx", "/opt/app/server"]) == {"/usr/sbin/nginx": "nginx-core"}
    assert sockets.packages(host, []) == {}


def test_own_addresses_and_how_to_reach_them():
    trie = (
        "Local:\n  +-- 0.0.0.0/0 3 0 5\n        |-- 127.0.0.1\n           /32 host LOCAL\n"
        "        |-- 192.0.2.10\n           /32 host LOCAL\n        |-- 192.0.2.255\n           /32 link BROADCAST\n"
    )
    inet6 = (
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "fe80000000000000000000000000000a 02 40 20 80     eth0\n"
        "20010db8000000000000000000000001 02 40 00 80     eth0\n"
    )
    host = MemoryHost({"/proc/net/fib_trie": trie, "/proc/net/if_inet6": inet6})
    assert sockets.own_addresses(host) == ["192.0.2.10", "2001:db8::1"]
    assert sockets.reached_by(host, "fe80::a") == "fe80::a%eth0"
    assert sockets.reached_by(host, "::") == "::1"
    assert sockets.reached_by(MemoryHost({}), "::") == "127.0.0.1"
    assert sockets.reached_by(host, "0.0.0.0") == "127.0.0.1"
