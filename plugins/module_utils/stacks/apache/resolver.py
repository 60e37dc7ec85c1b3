# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From files to the configuration httpd builds of them: includes, conditions, variables and macros carried out.

httpd reads in two passes (``server/config.c``). While it reads, in the order of the lines, it puts in variables and
carries out ``Include``, ``LoadModule``, ``Define``, ``<IfModule>`` and their like and ``Use``; only then it looks at
everything else. What a condition leaves out is not there.
"""

from __future__ import annotations

import os.path
import re
import typing as t

from ...errors import ConfigurationError
from .. import certificates
from ..contract import Document
from ..text import edit_documents
from . import grammar

if t.TYPE_CHECKING:
    from ..contract import Edit, Instance
    from ..host import Host

#: Sections that only decide whether their content is read at all.
_CONDITIONS = frozenset(("ifmodule", "ifdefine", "ifversion", "iffile", "ifdirective", "ifsection"))

#: AP_MAX_INCLUDE_DEPTH (server/core.c).
_INCLUDES_MAX = 20
#: Macros that use each other can multiply without end; httpd runs out of memory, we stop far earlier.
_STATEMENTS_MAX = 1_000_000

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class Statement:
    """One simple directive in force, with macro parameters and variables filled in."""

    __slots__ = ("arguments", "directive", "name", "text")

    def __init__(self, directive: grammar.Directive, text: str) -> None:
        self.directive = directive
        self.text = text
        self.name, self.arguments = grammar.split(text)

    @property
    def args(self) -> list[str]:
        """The arguments as httpd sees them, without quotes."""
        return grammar.words(self.arguments)


class Scope:
    """The main server (``kind`` ``server``) or a section; ``items`` in the order httpd meets them."""

    __slots__ = ("_index", "args", "directive", "items", "kind", "parent")

    def __init__(self, kind: str, directive: grammar.Directive | None, args: list[str], parent: Scope | None) -> None:
        self.kind = kind
        self.directive = directive
        self.args = args
        self.parent = parent
        self.items: list[Statement | Scope] = []
        self._index: dict[str, list[Statement]] | None = None

    def own(self, *names: str) -> list[Statement]:
        """The simple directives of those names in this very section, in their order."""
        if self._index is None:
            self._index = {}
            for item in self.items:
                if isinstance(item, Statement):
                    self._index.setdefault(item.name, []).append(item)
        if len(names) == 1:
            return self._index.get(names[0], [])
        return [item for item in self.items if isinstance(item, Statement) and item.name in names]

    def nearest(self, name: str) -> Scope | None:
        """The innermost section, this one or around it, that has such a directive."""
        scope: Scope | None = self
        while scope is not None and not scope.own(name):
            scope = scope.parent
        return scope

    def inherited(self, name: str) -> list[Statement]:
        """The directives in force here where those of a virtual host replace those of the main server."""
        scope = self.nearest(name)
        return scope.own(name) if scope else []

    def last(self, name: str) -> Statement | None:
        """The one directive in force here where the last one wins."""
        found = self.inherited(name)
        return found[-1] if found else None

    def merged(self, *names: str) -> list[Statement]:
        """The directives of this section behind those around it, for the few that add up."""
        return [*(self.parent.merged(*names) if self.parent else []), *self.own(*names)]

    def sections(self, *kinds: str) -> list[Scope]:
        """Sections directly inside, of the given kinds, or all."""
        return [item for item in self.items if isinstance(item, Scope) and (not kinds or item.kind in kinds)]

    def below(self) -> t.Iterator[Scope]:
        """This section and every section inside, outer before inner."""
        stack = [self]
        while stack:
            scope = stack.pop()
            yield scope
            stack += reversed(scope.sections())

    @property
    def hosts(self) -> list[Scope]:
        """The virtual hosts, in their order; of the main server only."""
        return self.sections("virtualhost")


class Configuration(t.NamedTuple):
    """``main`` is the main server with everything in it; ``modules`` are the names ``<IfModule>`` knows."""

    main: Scope
    modules: frozenset[str]
    server_root: str


def variables_in(text: str, variables: t.Mapping[str, str]) -> str:
    """``${NAME}`` replaced; what is not defined stays as it is (``ap_resolve_env``)."""
    return _VARIABLE.sub(lambda match: variables.get(match.group(1), match.group()), text) if "${" in text else text


# --- reading ----------------------------------------------------------------------------------------------------------


def read(host: Host, instance: Instance) -> list[Document]:
    """Every file the instance reads, each once, the main file first, then in the order httpd opens them.

    A file is known by the path behind its symbolic links: that is the one an edit has to go to. Raises
    ConfigurationError for a file that is missing, cannot be read or parsed, or includes itself.
    """
    documents: dict[str, Document] = {}
    outside: dict[tuple[str, str], t.Any] = {}

    def load(named: str, at: grammar.Directive | None) -> grammar.Tree:
        try:
            path = host.realpath(named)
            if path not in documents:
                data = host.read(path)
                documents[path] = Document(path, data, grammar.parse(path, data))
        except OSError as error:
            if at is None:
                raise ConfigurationError(named, 0, 0, f"cannot be read: {error.strerror}") from error
            message = f'the included file "{named}" cannot be read: {error.strerror}'
            raise at.tree.error(at.start, message) from error
        outside["real", named] = path
        tree: grammar.Tree = documents[path].tree
        return tree

    def ask(question: str, subject: str) -> t.Any:
        key = (question, subject)
        if key not in outside:
            outside[key] = host.exists(subject) if question == "exists" else _files(host, subject)
        return outside[key]

    reader = _Reader(instance, load, ask)
    configuration = reader.run(load(instance.config, None))
    found = list(documents.values())
    if any(b"@SECLEVEL=" in document.data for document in found):
        for server in [configuration.main, *configuration.main.hosts]:
            for statement in server.own("sslcertificatefile"):
                for word in statement.args[:1]:
                    path = os.path.join(configuration.server_root, word)
                    outside["loads", word] = certificates.loads(host, path)
    found[0].tree.outside = outside
    return found


def _files(host: Host, pattern: str) -> tuple[str, ...] | None:
    """What an ``Include`` of that path or pattern stands for, in httpd's order; None when a plain path is not there.

    A folder stands for every file below it, and a pattern may match folders (``ap_process_fnmatch_configs``).
    """
    magic = re.search(r"[*?\[]", pattern)
    found: list[str] = []
    todo = host.glob(pattern)[::-1]
    while todo:
        path = todo.pop()
        try:
            names = host.listdir(path)
        except NotADirectoryError:
            found.append(path)
        except OSError:
            if not magic and not host.exists(path):
                return None
            found.append(path)
        else:
            todo += [f"{path.rstrip('/')}/{name}" for name in reversed(names)]
    return tuple(found)


def edited(documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
    """The documents after edits, as :func:`read` would find them. No edit of ours touches an include."""

    def parse(path: str, data: bytes, old: Document | None) -> Document:
        tree = grammar.parse(path, data)
        if old:
            tree.outside = old.tree.outside
        return Document(path, data, tree)

    return edit_documents(documents, edits, parse)


def resolve(instance: Instance, documents: t.Sequence[Document]) -> Configuration:
    """The configuration in force. Pure: what the reader saw around the files is kept with the main file."""
    trees = {document.path: document.tree for document in documents}
    outside = documents[0].tree.outside

    def load(named: str, _at: grammar.Directive | None) -> grammar.Tree:
        tree: grammar.Tree = trees[outside["real", named]]
        return tree

    return _Reader(instance, load, lambda question, subject: outside.get((question, subject))).run(documents[0].tree)


class _Reader:
    """httpd's first pass. ``load`` gives the tree of a file, ``ask`` answers what only the machine can know."""

    def __init__(
        self,
        instance: Instance,
        load: t.Callable[[str, grammar.Directive | None], grammar.Tree],
        ask: t.Callable[[str, str], t.Any],
    ) -> None:
        facts = instance.facts
        self.version = instance.version
        self.load, self.ask = load, ask
        self.variables: dict[str, str] = dict(facts["environment"])
        self.defined = set(facts["defines"])
        self.variables.update(pair.split("=", 1) for pair in self.defined if "=" in pair)
        self.modules = {name for source in facts["modules"] for name in _names_of(source)}
        self.server_root = facts["server_root"]
        self.macros: dict[str, grammar.Directive] = {}
        self.depth = 0
        self.count = 0

    def run(self, tree: grammar.Tree) -> Configuration:
        main = Scope("server", None, [], None)
        self.pass_over(tree.children, main, str)
        return Configuration(main, frozenset(self.modules), self.server_root)

    def pass_over(self, directives: t.Iterable[grammar.Directive], scope: Scope, fill: t.Callable[[str], str]) -> None:
        """Carry out what is carried out while reading; put the rest into ``scope``. ``fill`` fills in a macro."""
        for directive in directives:
            self.count += 1
            if self.count > _STATEMENTS_MAX:
                message = f"includes and macros multiply the configuration beyond {_STATEMENTS_MAX} directives"
                raise directive.tree.error(directive.start, message)
            text = variables_in(fill(directive.text), self.variables)
            if directive.children is None:
                self.simple(directive, text, scope)
            elif directive.name in _CONDITIONS:
                if self.holds(directive, grammar.split(text)[1]):
                    self.pass_over(directive.children, scope, fill)
            elif directive.name == "macro":
                name = (grammar.words(grammar.split(text)[1]) or [""])[0].lower()
                self.macros[name] = directive
            else:
                name, rest = grammar.split(text)
                inner = Scope(name, directive, grammar.words(rest), scope)
                scope.items.append(inner)
                self.pass_over(directive.children, inner, fill)

    def path(self, name: str) -> str:
        return os.path.normpath(os.path.join(self.server_root, name))

    def simple(self, directive: grammar.Directive, text: str, scope: Scope) -> None:
        name, rest = grammar.split(text)
        if name in ("include", "includeoptional"):
            self.include(directive, grammar.words(rest), scope, name == "includeoptional")
        elif name == "use":
            self.use(directive, grammar.words(rest), scope)
        elif name == "define":
            found = grammar.words(rest)
            self.defined.update(found[:1])
            if len(found) > 1:
                self.variables[found[0]] = found[1]
        elif name == "undefine":
            for word in grammar.words(rest):
                self.defined.discard(word)
                self.variables.pop(word, None)
        elif name == "undefmacro":
            self.macros.pop((grammar.words(rest) or [""])[0].lower(), None)
        elif name == "loadmodule":
            found = grammar.words(rest)
            if len(found) > 1:
                self.modules.update((found[0], *_names_of(os.path.basename(found[1]))))
            scope.items.append(Statement(directive, text))
        else:
            if name == "serverroot":
                self.server_root = (grammar.words(rest) or [self.server_root])[0]
            scope.items.append(Statement(directive, text))

    def include(self, directive: grammar.Directive, args: list[str], scope: Scope, optional: bool) -> None:
        if len(args) != 1:
            raise directive.tree.error(directive.start, f"{directive.name} takes one path, {len(args)} are given")
        if self.depth >= _INCLUDES_MAX:
            message = f"files include each other more than {_INCLUDES_MAX} levels deep: one of them includes itself"
            raise directive.tree.error(directive.start, message)
        pattern = self.path(args[0])
        found = self.ask("files", pattern)
        if found is None:
            if optional:
                return
            raise directive.tree.error(directive.start, f'the included file "{pattern}" does not exist')
        if not found and not optional and re.search(r"[*?\[]", pattern):
            raise directive.tree.error(directive.start, f'the included pattern "{pattern}" matches no file')
        self.depth += 1
        for path in found:
            self.pass_over(self.load(path, directive).children, scope, str)
        self.depth -= 1

    def use(self, directive: grammar.Directive, args: list[str], scope: Scope) -> None:
        macro = self.macros.get(args[0].lower()) if args else None
        if macro is None:
            raise directive.tree.error(directive.start, f'the macro "{args[0] if args else ""}" is not defined')
        names = grammar.words(grammar.split(macro.text)[1])[1:]
        if len(names) != len(args) - 1:
            message = f'the macro "{args[0]}" takes {len(names)} arguments, {len(args) - 1} are given'
            raise directive.tree.error(directive.start, message)
        if self.depth >= _INCLUDES_MAX:
            raise directive.tree.error(directive.start, "macros use each other without end")
        # Of two parameters that begin alike the longer one is meant.
        values = dict(zip(names, args[1:]))
        pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)")
        self.depth += 1
        self.pass_over(macro.children or (), scope, lambda text: pattern.sub(lambda m: values[m.group()], text))
        self.depth -= 1

    # --- conditions ---------------------------------------------------------------------------------------------------

    def holds(self, directive: grammar.Directive, text: str) -> bool:
        words = grammar.words(text)
        if directive.name == "ifversion":
            return _version_holds(self.version, words)
        subject = words[0] if words else ""
        negated = subject.startswith("!")
        subject = subject[negated:]
        if directive.name == "ifmodule":
            found = subject in self.modules
        elif directive.name == "ifdefine":
            found = subject in self.defined
        elif directive.name == "iffile":
            found = bool(self.ask("exists", self.path(subject)))
        else:
            # Which names modules bring along cannot be seen from outside; those of mod_ssl are the ones we know.
            found = not subject.lower().lstrip("<").startswith("ssl") or "ssl_module" in self.modules
        return found is not negated


def _names_of(source: str) -> tuple[str, ...]:
    """The names of a module by its source or object file: ``mod_ssl.so`` is ``mod_ssl.c`` and ``ssl_module``."""
    stem = source.rpartition(".")[0]
    bare = stem[len("mod_") :] if stem.startswith("mod_") else stem
    # Files of multi-processing modules have the prefix, their sources have not: event.c, mpm_event_module.
    plain = bare[len("mpm_") :] if bare.startswith("mpm_") else bare
    return tuple(dict.fromkeys((f"{stem}.c", f"{bare}_module", f"{plain}.c" if plain != bare else f"{stem}.c")))


def _version_holds(version: tuple[int, ...], words: list[str]) -> bool:
    """``<IfVersion [[!]operator] version>`` (mod_version.c)."""
    words = words if len(words) > 1 else ["=", *words]
    operator, wanted = words[0], words[1] if len(words) > 1 else ""
    negated = operator.startswith("!")
    operator = operator[negated:]
    if operator == "~" or wanted.startswith("/"):
        try:
            found = bool(re.search(wanted.strip("/"), ".".join(map(str, version))))
        except re.error:
            found = False
        return found is not negated
    parts = [int(part) if part.isdigit() else 0 for part in wanted.split(".")]
    other = tuple([*parts, 0, 0, 0][:3])
    mine = tuple([*version, 0, 0, 0][:3])
    outcome = {
        "": mine == other, "=": mine == other, "==": mine == other, ">": mine > other, ">=": mine >= other,
        "<": mine < other, "<=": mine <= other,
    }  # fmt: skip
    return outcome.get(operator, False) is not negated
