"""The tarball as a stranger gets it: installed into an empty place, used from an empty directory."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

# One worker builds and installs the tarball, and all tests look at it.
pytestmark = pytest.mark.xdist_group("package")

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def run(*argv: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        [str(BIN / argv[0]), *argv[1:]],
        cwd=cwd,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    subprocess.run([str(ROOT / "hacking" / "stage.sh"), str(folder / "staged")], cwd=ROOT, check=True)
    run("ansible-galaxy", "collection", "build", "--output-path", str(folder), str(folder / "staged"), cwd=ROOT)
    (built,) = folder.glob("encryption-in_transit-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(tarball):
    """Environment of an Ansible that knows this collection from the tarball and nothing from the checkout."""
    target, config = tarball.parent / "collections", tarball.parent / "ansible.cfg"
    config.touch()
    environment = {"ANSIBLE_CONFIG": str(config), "ANSIBLE_COLLECTIONS_PATH": str(target)}
    install = ("ansible-galaxy", "collection", "install", "--offline", "--collections-path", str(target), str(tarball))
    run(*install, cwd=tarball.parent, **environment)
    return environment


def test_the_tarball_holds_the_collection_and_no_development_file(tarball):
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
    top = {name.split("/")[0] for name in names}
    assert {
        "MANIFEST.json",
        "FILES.json",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "meta",
        "playbooks",
        "plugins",
    } <= top
    assert {"roles", "docs"} <= top
    allowed = {"MANIFEST.json", "FILES.json", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "changelogs",
               "SECURITY.md", "bindep.txt", "docs", "extensions", "inventories", "meta", "playbooks", "plugins",
               "requirements.txt", "requirements.yml", "roles"}  # fmt: skip
    assert top <= allowed, f"not for strangers: {sorted(top - allowed)}"
    assert not [name for name in names if name.startswith("inventories/lab") or "__pycache__" in name]


def test_playbooks_run_by_their_full_name_from_an_empty_directory(installed, tmp_path):
    names = [f"encryption.in_transit.{playbook}" for playbook in PLAYBOOKS]
    listed = run("ansible-playbook", "--inventory", "host.example,", "--list-tasks", *names, cwd=tmp_path, **installed)
    folder = f"{installed['ANSIBLE_COLLECTIONS_PATH']}/ansible_collections/encryption/in_transit/playbooks"
    parts = listed.split("playbook: ")[1:]
    assert [part.splitlines()[0] for part in parts] == [f"{folder}/{playbook}.yml" for playbook in PLAYBOOKS]
    for part in parts:
        assert "TAGS" in part, f"the playbook has no task: {part}"


def test_every_plugin_is_documented_in_the_installed_collection(installed, tmp_path):
    for kind, folder in (("module", "modules"), ("filter", "filter")):
        files = [path for path in (ROOT / "plugins" / folder).glob("*.py") if path.stem != "__init__"]
        names = {path.stem for path in files}
        if kind == "filter":  # of which one file may hold several
            package = "ansible_collections.encryption.in_transit.plugins.filter"
            modules = [importlib.import_module(f"{package}.{name}") for name in names]
            names = {name for module in modules for name in module.FilterModule().filters()}
        shipped = {f"encryption.in_transit.{name}" for name in names}
        documented = json.loads(
            run("ansible-doc", "--type", kind, "--json", "--list", "encryption.in_transit", cwd=tmp_path, **installed)
        )
        assert shipped <= set(documented)
        texts = json.loads(run("ansible-doc", "--type", kind, "--json", *shipped, cwd=tmp_path, **installed))
        assert set(texts) == shipped
        for text in texts.values():
            assert text["doc"]["short_description"]
            assert text["examples"]
