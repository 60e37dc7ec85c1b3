# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Temporary folders: private, gone at the end, and swept when their makers were killed."""

from __future__ import annotations

import os
import stat
import tempfile

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import scratch


@pytest.fixture(autouse=True)
def top(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_private_while_it_is_used_and_gone_afterwards(top):
    with scratch.folder("trial-") as path:
        assert os.path.basename(path).startswith(f"{scratch.PREFIX}trial-")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        (top / path / "file").write_text("x")
    assert not list(top.iterdir())


def test_what_a_killed_run_left_goes_and_what_is_used_stays(top):
    child = os.fork()
    if child == 0:
        with scratch.folder() as path:
            os.mkdir(os.path.join(path, "inner"))
            os._exit(9)
    os.waitpid(child, 0)
    assert len(list(top.iterdir())) == 1
    with scratch.folder() as path:
        assert os.listdir(top) == [os.path.basename(path)]
        scratch.sweep()
        assert os.path.isdir(path)


def test_nothing_of_others_is_swept(top):
    others = [f"{scratch.PREFIX}public", "in_transit-mine", f"{scratch.PREFIX}link"]
    (top / others[0]).mkdir(mode=0o755)
    (top / others[1]).mkdir(mode=0o700)
    (top / others[2]).symlink_to(others[1])
    scratch.sweep()
    assert sorted(os.listdir(top)) == sorted(others)


def test_one_swept_before_it_was_locked_is_made_again(top, monkeypatch):
    made, real = [], tempfile.mkdtemp

    def mkdtemp(**words):
        made.append(real(**words))
        if len(made) == 1:
            scratch.sweep()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    # Swept between its making and its opening, or between its opening and its lock: never handed out.
    with scratch.folder() as path:
        assert path == made[-1] and os.path.isdir(path)
