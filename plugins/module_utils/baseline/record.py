# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``typing.NamedTuple`` and ``functools.cache`` without their imports.

Importing typing, collections and functools takes longer than a whole scan of an endpoint does. Type checkers are shown
the originals; see how the modules of this room import :class:`Record`.
"""

from __future__ import annotations

from _operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    _Made = TypeVar("_Made")


class _Fields(type):
    """Makes each annotation of a class body a field, as NamedTuple does."""

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _Fields:
        body["__slots__"] = ()
        body["_fields"] = tuple(body.get("__annotations__", ()))
        for index, field in enumerate(body["_fields"]):
            body[field] = property(itemgetter(index))
        return super().__new__(mcs, name, bases, body)


class Record(tuple, metaclass=_Fields):  # type: ignore[type-arg]  # a heterogeneous tuple has no one type
    """An immutable tuple with named fields and no defaults; compared and hashed by content."""

    if TYPE_CHECKING:
        _fields: tuple[str, ...]

    def __new__(cls, *values: Any, **named: Any) -> Record:
        if named:
            rest = cls._fields[len(values) :]
            if set(named) != set(rest):
                wrong = ", ".join(sorted(set(named) ^ set(rest)))
                raise TypeError(f"{cls.__name__}: missing or unknown: {wrong}")
            values += tuple(named[field] for field in rest)
        if len(values) != len(cls._fields):
            raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(values)}")
        return tuple.__new__(cls, values)

    def _replace(self, **changed: Any) -> Record:
        return type(self)(**{**self._asdict(), **changed})

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self._asdict().items())})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)


def once(make: Callable[[], _Made]) -> Callable[[], _Made]:
    """A function of no arguments that is computed when it is first asked and remembered."""
    made: list[_Made] = []

    def get() -> _Made:
        if not made:
            made.append(make())
        return made[0]

    return get
