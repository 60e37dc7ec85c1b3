# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compile once per version of the collection instead of once per run.

Ansible runs a module out of a zip archive, and Python keeps no byte code of what it imports from one: half of the time
an unchanged host costs would be spent compiling the same source again, and twice at that, for ``zipimport`` compiles a
module once more to learn its file name. This is what ``__pycache__`` is for modules in files: code objects by the
SHA-256 of their source, in one file for each stack and version of Python, in our private state folder. Where there is
no such folder, what is imported is at least compiled only once.

Like any ``__pycache__`` it must be writable by nobody but the user who runs it; otherwise it is not used.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import zipimport
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any, Iterator


def in_archive() -> bool:
    """Whether this code is in an archive, as Ansible sends it."""
    return hasattr(globals().get("__loader__"), "archive")


def cache(state_dir: str, user: str) -> Cache:
    """Import our own modules from here on by the cache of ``user``, a name for what always imports the same.

    Only for code that is :func:`in_archive`.
    """
    loader: Any = globals()["__loader__"]
    found = Cache(loader.archive, os.path.join(state_dir, f"bytecode.{user}.{sys.implementation.cache_tag}"))
    sys.meta_path.insert(0, found)
    return found


class Cache:
    """A finder and loader (PEP 451) for our own modules in one zip archive."""

    def __init__(self, archive: str, path: str) -> None:
        self._zip = zipimport.zipimporter(archive)
        self._package = __name__.rpartition(".run.")[0]
        self._path = path
        #: Code objects as marshal.dumps() makes them: a run loads a part of what is kept.
        self._known: dict[str, bytes] = {}
        self._complete = True
        with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
            self._known = dict(marshal.loads(_read_private(path)))  # noqa: S302  ours, see above

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not name.startswith(self._package + "."):
            return None
        from importlib.machinery import ModuleSpec

        inside = name.replace(".", "/")
        for is_package, filename in ((False, f"{inside}.py"), (True, f"{inside}/__init__.py")):
            try:
                source = self._zip.get_data(filename)
            except OSError:
                continue
            place = os.path.join(self._zip.archive, filename)
            spec = ModuleSpec(name, self, origin=place, loader_state=source, is_package=is_package)  # type: ignore[arg-type]  # duck-typed
            if is_package:
                spec.submodule_search_locations = [os.path.dirname(place)]
            return spec
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        key = _key(spec.loader_state)
        try:
            code = marshal.loads(self._known[key])  # noqa: S302  ours, see above
        except (KeyError, ValueError, EOFError, TypeError):
            self._complete = False
            code = _compiled(spec.loader_state, str(spec.origin))
            self._known[key] = marshal.dumps(code)
        exec(code, module.__dict__)  # noqa: S102  what every import does

    def save(self) -> None:
        """Keep all code of the archive, when this run had to compile any: another module has the same and uses other
        parts of it. Failing, as without a state folder, costs the next run time, no more."""
        if self._complete:
            return
        temporary = f"{self._path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            kept = marshal.dumps(dict(self._all()))
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(descriptor, "wb") as file:
                file.write(kept)
            os.rename(temporary, self._path)

    def _all(self) -> Iterator[tuple[str, bytes]]:
        """Key and code of each of our own modules in the archive."""
        from zipfile import ZipFile

        with ZipFile(self._zip.archive) as file:
            for name in file.namelist():
                if name.startswith(self._package.replace(".", "/") + "/") and name.endswith(".py"):
                    source = file.read(name)
                    key = _key(source)
                    place = os.path.join(self._zip.archive, name)
                    yield key, self._known.get(key) or marshal.dumps(_compiled(source, place))


def _key(source: bytes) -> str:
    return sha256(source).hexdigest()


def _compiled(source: bytes, place: str) -> CodeType:
    code: CodeType = compile(source, place, "exec", dont_inherit=True)
    return code


def _read_private(path: str) -> bytes:
    """The bytes of a file that nobody else can write, in a folder that nobody else can write. Raises OSError."""
    folder = os.stat(os.path.dirname(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        for status in (folder, os.fstat(descriptor)):
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                raise OSError(f"{path} can be written by others")
        return file.read()
