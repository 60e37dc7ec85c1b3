# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From files to the configuration nginx builds of them: includes put in their place, blocks as scopes.

Include patterns are relative to the directory of the main file, also in nested files, and a pattern stands for the
files glob(3) finds in byte order (``ngx_conf_include`` in ``src/core/ngx_conf_file.c``).
"""

from __future__ import annotations

import os.path
import typing as t

from ...errors import ConfigurationError
from .. import certificates
from ..contract import Document
from ..text import edit_documents
from . import grammar

if t.TYPE_CHECKING:
    from ..contract import Edit, Instance
    from ..host import Host

#: Blocks whose statements are data in another form (``map`` entries, MIME types): nothing in them is a directive.
_DATA_BLOCKS = frozenset(("charset_map", "events", "geo", "map", "match", "split_clients", "types"))

#: Files that include each other can multiply without end before nginx runs out of memory; we stop far earlier.
_STATEMENTS_MAX = 2_000_000


def read(host: Host, instance: Instance) -> list[Document]:
    """Every file the instance reads, each once, the main file first, then in the order nginx opens them.

    A file is known by the path behind its symbolic links: that is the one an edit has to go to. Raises
    ConfigurationError for a file that is missing, cannot be read or parsed, or includes itself.
    """
    folder = os.path.dirname(instance.config)
    documents: dict[str, Document] = {}
    open_files: list[str] = []

    def load(named: str, at: grammar.Directive | None) -> str:
        try:
            path = host.realpath(named)
            data = b"" if path in documents else host.read(path)
        except OSError as error:
            if at is None:
                raise ConfigurationError(named, 0, 0, f"cannot be read: {error.strerror}") from error
            message = f'the included file "{named}" cannot be read: {error.strerror}'
            raise at.tree.error(at.start, message) from error
        if path in open_files and at is not None:
            raise at.tree.error(at.start, f"{path} includes itself: " + " > ".join([*open_files, path]))
        if path in documents:
            return path
        tree = grammar.parse(path, data)
        documents[path] = Document(path, data, tree)
        open_files.append(path)
        for directive in tree.walk():
            if directive.name == "include" and directive.children is None:
                args = directive.args
                if len(args) != 1:
                    raise tree.error(directive.start, f"include takes one file or pattern, {len(args)} are given")
                if args[0] not in tree.includes:
                    found = host.glob(os.path.join(folder, args[0]))
                    tree.includes[args[0]] = tuple(load(name, directive) for name in found)
        open_files.pop()
        return path

    try:
        with grammar.no_collection():
            load(instance.config, None)
    except RecursionError:
        raise ConfigurationError(instance.config, 0, 0, "files include each other too deep to follow") from None
    found = list(documents.values())
    if any(b"@SECLEVEL=" in document.data for document in found):
        found[0].tree.certificates = _certificates(host, folder, found)
    return found


def _certificates(host: Host, folder: str, documents: t.Sequence[Document]) -> dict[str, bool | None]:
    """Whether each certificate named would load at security level 2; None for variables and other stores."""
    found: dict[str, bool | None] = {}
    for document in documents:
        for directive in document.tree.walk():
            if directive.name == "ssl_certificate" and directive.children is None:
                for word in directive.args:
                    if word not in found:
                        outside = "$" in word or word.startswith(("data:", "engine:", "store:"))
                        found[word] = None if outside else certificates.loads(host, os.path.join(folder, word))
    return found


def edited(documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
    """The documents after edits, as :func:`read` would find them. No edit of ours touches an include."""

    def parse(path: str, data: bytes, old: Document | None) -> Document:
        tree = grammar.parse(path, data)
        if old:
            tree.includes, tree.certificates = old.tree.includes, old.tree.certificates
        return Document(path, data, tree)

    return edit_documents(documents, edits, parse)


class Scope:
    """One block of the running configuration: its statements in the order nginx reads them, includes followed.

    ``items`` holds simple statements as Directive and blocks as Scope. A file included at two places gives the same
    Directive objects in both scopes.
    """

    __slots__ = ("_index", "directive", "items", "kind", "parent")

    def __init__(self, kind: str, directive: grammar.Directive | None, parent: Scope | None) -> None:
        self.kind = kind
        self.directive = directive
        self.parent = parent
        self.items: list[grammar.Directive | Scope] = []
        self._index: dict[str, list[grammar.Directive]] | None = None

    def own(self, name: str) -> list[grammar.Directive]:
        """The simple statements of that name in this very block."""
        if self._index is None:
            self._index = {}
            for item in self.items:
                if isinstance(item, grammar.Directive):
                    self._index.setdefault(item.name, []).append(item)
        return self._index.get(name, [])

    def nearest(self, name: str) -> Scope | None:
        """The innermost block, this one or around it, that has such a statement: its statements are in force here."""
        scope: Scope | None = self
        while scope is not None and not scope.own(name):
            scope = scope.parent
        return scope

    def inherited(self, name: str) -> list[grammar.Directive]:
        """The statements in force here when a level that has any replaces the levels around it, as most do."""
        scope = self.nearest(name)
        return scope.own(name) if scope else []

    def blocks(self, *kinds: str) -> list[Scope]:
        """Blocks directly inside, of the given kinds, or all."""
        return [item for item in self.items if isinstance(item, Scope) and (not kinds or item.kind in kinds)]

    def below(self) -> t.Iterator[Scope]:
        """This block and every block inside, outer before inner."""
        stack = [self]
        while stack:
            scope = stack.pop()
            yield scope
            stack += reversed(scope.blocks())

    def around(self, *kinds: str) -> Scope | None:
        """The innermost block of one of the kinds that holds this one or is it."""
        scope: Scope | None = self
        while scope is not None and scope.kind not in kinds:
            scope = scope.parent
        return scope


def resolve(documents: t.Sequence[Document]) -> Scope:
    """The whole configuration as a scope of kind ``main``. Raises ConfigurationError when includes multiply wildly."""
    trees: dict[str, grammar.Tree] = {document.path: document.tree for document in documents}
    main = Scope("main", None, None)
    work: list[tuple[Scope, t.Iterator[grammar.Directive]]] = [(main, iter(documents[0].tree.children))]
    count = 0
    while work:
        scope, statements = work[-1]
        for directive in statements:
            count += 1
            if count > _STATEMENTS_MAX:
                message = f"includes multiply the configuration beyond {_STATEMENTS_MAX} statements"
                raise directive.tree.error(directive.start, message)
            if directive.children is not None:
                inner = Scope(directive.name, directive, scope)
                scope.items.append(inner)
                if directive.children and directive.name not in _DATA_BLOCKS:
                    work.append((inner, iter(directive.children)))
                    break
            elif directive.name == "include":
                files = directive.tree.includes.get(directive.args[0], ())
                work += [(scope, iter(trees[path].children)) for path in reversed(files)]
                if files:
                    break
            else:
                scope.items.append(directive)
        else:
            work.pop()
    return main
