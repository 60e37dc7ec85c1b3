# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Byte code kept between runs: used when it is of this very source and private, and never otherwise."""

from __future__ import annotations

import glob
import marshal
import os
import stat
import subprocess
import sys
import textwrap
import zipfile

import pytest

PACKAGE = "ansible_collections.encryption.in_transit.plugins.module_utils"
SOURCE = "VALUE = 'first'\n"

#: What a module file does, told on standard output.
RUN = f"""
    import sys
    sys.dont_write_bytecode = True
    sys.path.insert(0, sys.argv[1])
    from {PACKAGE}.run import bytecode
    assert bytecode.in_archive()
    cache = bytecode.cache(sys.argv[2], sys.argv[3])
    from importlib import import_module
    thing = import_module("{PACKAGE}.wire." + sys.argv[4])
    print(thing.VALUE, not cache._complete, thing.__name__ == thing.__spec__.name)
    cache.save()
"""


class Scene:
    def __init__(self, folder):
        self.archive, self.state = os.path.join(folder, "module.zip"), os.path.join(folder, "state")
        os.mkdir(self.state, 0o700)
        self.pack(SOURCE)

    def pack(self, source):
        here = os.path.dirname(__file__)
        with open(os.path.join(here, "../../../../../plugins/module_utils/run/bytecode.py")) as file:
            text = file.read()
        with zipfile.ZipFile(self.archive, "w") as archive:
            parts = PACKAGE.split(".")
            folders = ["/".join(parts[: count + 1]) for count in range(len(parts))]
            for path in [*folders, f"{folders[-1]}/run", f"{folders[-1]}/wire"]:
                archive.writestr(f"{path}/__init__.py", "")
            archive.writestr(f"{folders[-1]}/run/bytecode.py", text)
            archive.writestr(f"{folders[-1]}/wire/thing.py", source)
            archive.writestr(f"{folders[-1]}/wire/later.py", source)

    def run(self, user="nginx", module="thing"):
        """(value, whether anything was compiled)"""
        command = [sys.executable, "-I", "-c", textwrap.dedent(RUN), self.archive, self.state, user, module]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        value, compiled, named = done.stdout.split()
        assert named == "True"
        return value, compiled == "True"

    @property
    def file(self):
        (path,) = glob.glob(os.path.join(self.state, "*"))
        return path


@pytest.fixture
def scene(tmp_path):
    return Scene(str(tmp_path))


def test_compiled_once(scene):
    assert scene.run() == ("first", True)
    assert stat.S_IMODE(os.stat(scene.file).st_mode) == 0o600
    before = os.stat(scene.file)
    assert scene.run() == ("first", False)
    assert os.stat(scene.file).st_ino == before.st_ino, "nothing is written when nothing was compiled"


def test_stacks_do_not_forget_each_others(scene):
    assert scene.run("nginx")[1] and scene.run("apache")[1]
    assert not scene.run("nginx")[1] and not scene.run("apache")[1]


def test_what_one_module_does_not_use_is_kept_for_another(scene):
    scene.run()
    assert scene.run(module="later") == ("first", False)


def test_other_source_is_other_code(scene):
    scene.run()
    scene.pack(SOURCE.replace("first", "other"))
    assert scene.run() == ("other", True)
    assert scene.run() == ("other", False)


@pytest.mark.parametrize("place", ["file", "folder"])
def test_what_others_can_write_is_not_used(scene, place):
    scene.run()
    path = scene.file if place == "file" else scene.state
    os.chmod(path, os.stat(path).st_mode | 0o020)
    assert scene.run() == ("first", True)


def test_symbolic_link_is_not_followed(scene, tmp_path):
    scene.run()
    path = scene.file
    os.rename(path, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path)
    assert scene.run() == ("first", True)


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 100])
def test_damaged_file_is_replaced(scene, damage):
    scene.run()
    with open(scene.file, "wb") as file:
        file.write(damage)
    assert scene.run() == ("first", True)
    assert scene.run() == ("first", False)


def test_one_damaged_part_is_replaced(scene):
    scene.run()
    with open(scene.file, "rb") as file:
        kept = marshal.loads(file.read())
    with open(scene.file, "wb") as file:
        file.write(marshal.dumps(dict.fromkeys(kept, b"x")))
    assert scene.run() == ("first", True)
    assert scene.run() == ("first", False)


def test_without_state_folder_nothing_is_kept(scene):
    os.rmdir(scene.state)
    assert scene.run() == ("first", True)
    assert not os.path.exists(scene.state)
