# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Timers that systemd knows, jobs that did their work, and nothing left of a schedule that was taken away."""

from __future__ import annotations

import subprocess

JOBS = ("audit", "remediate")


def is_controller(host):
    return host.backend.hostname == "debian13"


def test_timers_wait_for_their_time(host):
    timers = host.check_output("systemctl list-timers --all --no-legend")
    for job in JOBS:
        assert (f"in-transit-{job}.timer" in timers) != is_controller(host)


def test_the_units_say_what_they_were_told(host):
    if is_controller(host):
        return
    unit = host.check_output("systemctl cat in-transit-audit.service")
    assert '"in_transit_note=\\"50%% of $$HOME\\""' in unit
    timer = host.check_output("systemctl show --property=TimersCalendar,Persistent in-transit-remediate.timer")
    assert "Sun *-*-* 03:00:00" in timer
    assert "Persistent=yes" in timer


def test_jobs_are_kept_from_the_rest_of_the_machine(host):
    if is_controller(host):
        return
    judged = host.run("systemd-analyze security --no-pager in-transit-audit.service")
    if "Overall exposure" in judged.stdout:
        assert float(judged.stdout.rsplit("service: ", 1)[1].split()[0]) < 3


def test_nothing_is_left_but_evidence_and_the_state_of_the_stacks(host):
    if not is_controller(host):
        return
    left = host.check_output("find /etc /run /var/lib -name '*in-transit*' -not -path '/var/lib/in-transit/evidence/*'")
    assert left.split() == ["/var/lib/in-transit"]
    assert host.check_output("ls -A /var/lib/in-transit").split() == ["evidence"]


def test_the_host_that_pulled_is_hardened(host):
    if not is_controller(host):
        return
    command = ["openssl", "s_client", "-connect", "127.0.20.13:443", "-tls1", "-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert "Cipher is (NONE)" in done.stdout
    assert "alert protocol version" in done.stderr
