# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data against the JSON Schemas in ``docs/schemas``: the files editors complete from are the rules that hold.

Understands the part of JSON Schema 2020-12 that those schemas use (see :data:`KEYWORDS`), and refuses a schema with
anything else, so that no rule is passed over in silence. Each schema is compiled to one function: what is right costs
a few comparisons, and only what is wrong gets a path and words.
"""

from __future__ import annotations

import datetime
import functools
import json
import os
import re
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.overrides import unknown
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

#: docs/schemas of the collection this file belongs to.
SCHEMAS = os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "docs", "schemas")
)

#: What says nothing about validity.
_SILENT = {"$schema", "$id", "$defs", "title", "description", "default", "examples"}
KEYWORDS = _SILENT | {
    *("$ref", "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("uniqueItems", "enum", "const", "pattern", "format", "minLength", "maxLength", "minimum", "maximum"),
}

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_NOUNS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


class Wrong(t.NamedTuple):
    """One violation: keys and indexes that lead to it, the nearest line (0: not known), what would be right."""

    path: tuple[t.Any, ...]
    line: int
    message: str


_Check = t.Callable[[t.Any], t.List[Wrong]]


@functools.lru_cache(maxsize=None)
def document(name: str) -> dict[str, t.Any]:
    """``<name>.schema.json``. Raises InTransitError when it is not installed."""
    path = os.path.join(SCHEMAS, f"{name}.schema.json")
    try:
        with open(path, encoding="utf-8") as file:
            return t.cast("dict[str, t.Any]", json.load(file))
    except (OSError, ValueError) as error:
        raise InTransitError(f"{path}: {error}; the collection is not installed whole") from error


@functools.lru_cache(maxsize=None)
def validator(name: str) -> _Check:
    """The function that tells every violation of a schema by some data."""
    schema = document(name)
    return compiled(schema, schema)


def compiled(schema: dict[str, t.Any], root: dict[str, t.Any]) -> _Check:
    """The same for a schema, or a part of one, at hand. Raises ValueError for what is not understood."""
    left = set(schema) - KEYWORDS
    if left:
        raise ValueError(f"JSON Schema keywords not understood: {', '.join(sorted(left))}")
    checks: list[_Check] = []
    if "$ref" in schema:
        checks.append(compiled(_referenced(schema["$ref"], root), root))
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
        checks.append(_typed(kinds, schema))
    for keyword, make in (("const", _const), ("enum", _enum), ("pattern", _pattern), ("format", _format)):
        if keyword in schema:
            checks.append(make(schema))
    if {"minLength", "maxLength"} & set(schema):
        checks.append(_length(schema))
    if {"minimum", "maximum"} & set(schema):
        checks.append(_range(schema))
    if {"properties", "required", "additionalProperties"} & set(schema):
        checks.append(_mapping(schema, root))
    if {"items", "minItems", "maxItems", "uniqueItems"} & set(schema):
        checks.append(_sequence(schema, root))
    if len(checks) == 1:
        return checks[0]

    def every(value: t.Any) -> list[Wrong]:
        for check in checks:
            found = check(value)
            if found:  # what has the wrong type or word need not hear of its length as well
                return found
        return []

    return every


def _referenced(reference: str, root: dict[str, t.Any]) -> dict[str, t.Any]:
    if not reference.startswith("#/"):
        raise ValueError(f"JSON Schema reference not understood: {reference}")
    found: t.Any = root
    for key in reference[2:].split("/"):
        found = found[key]
    return t.cast("dict[str, t.Any]", found)


def _shown(value: t.Any) -> str:
    text = repr(str(value)) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _typed(kinds: list[str], schema: dict[str, t.Any]) -> _Check:
    allowed = tuple(one for kind in kinds for one in _TYPES[kind])
    no_bool = "boolean" not in kinds
    wanted = " or ".join(_NOUNS[kind] for kind in kinds)
    meaning = schema.get("description", "")

    def check(value: t.Any) -> list[Wrong]:
        if isinstance(value, allowed) and not (no_bool and value.__class__ is bool):
            return []
        hint = f" ({meaning})" if meaning and "\n" not in meaning else ""
        return [Wrong((), 0, f"must be {wanted}, not {_shown(value)}{hint}")]

    return check


def _const(schema: dict[str, t.Any]) -> _Check:
    wanted = schema["const"]
    return lambda value: [] if value == wanted else [Wrong((), 0, f"must be {_shown(wanted)}, not {_shown(value)}")]


def _enum(schema: dict[str, t.Any]) -> _Check:
    allowed = schema["enum"]
    words = frozenset(allowed)

    def check(value: t.Any) -> list[Wrong]:
        if isinstance(value, str) and value in words:
            return []
        return [Wrong((), 0, unknown("value", value if isinstance(value, str) else _shown(value), allowed))]

    return check


def _pattern(schema: dict[str, t.Any]) -> _Check:
    pattern, meaning = schema["pattern"], schema.get("description", "")
    # "$" of JSON Schema is the end of the text; Python's is also before a last line end.
    search = re.compile(re.sub(r"\$\Z", r"\\Z", pattern)).search
    right = f"{meaning[:1].lower()}{meaning[1:]}".rstrip(".") if meaning else f"text of the form {pattern}"
    example = f", for example {schema['examples'][0]}" if schema.get("examples") else ""

    def check(value: t.Any) -> list[Wrong]:
        if not isinstance(value, str) or search(value):
            return []
        return [Wrong((), 0, f"{_shown(value)} is not {right}{example}")]

    return check


#: Formats by name: their form, and what to write. Times are UTC, to the second (RFC 3339, 5.6).
_FORMATS = {
    "date": (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "no day of the calendar; write YYYY-MM-DD"),
    "date-time": (
        re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
        "no time in UTC; write YYYY-MM-DDThh:mm:ssZ",
    ),
}


def _format(schema: dict[str, t.Any]) -> _Check:
    if schema["format"] not in _FORMATS:
        raise ValueError(f"JSON Schema format not understood: {schema['format']}")
    form, words = _FORMATS[schema["format"]]

    def check(value: t.Any) -> list[Wrong]:
        if not isinstance(value, str):
            return []
        try:
            if form.fullmatch(value):
                datetime.datetime.fromisoformat(value.rstrip("Z"))
                return []
        except ValueError:
            pass  # a month, a day or an hour that no calendar has
        return [Wrong((), 0, f"{_shown(value)} is {words}")]

    return check


def _length(schema: dict[str, t.Any]) -> _Check:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1 << 30)

    def check(value: t.Any) -> list[Wrong]:
        if not isinstance(value, str) or least <= len(value) <= most:
            return []
        if not value:
            return [Wrong((), 0, "must not be empty")]
        bound = f"at least {least} are needed to say something" if len(value) < least else f"at most {most} are allowed"
        return [Wrong((), 0, f"has {len(value)} characters; {bound}")]

    return check


def _range(schema: dict[str, t.Any]) -> _Check:
    least, most = schema.get("minimum", -(1 << 62)), schema.get("maximum", 1 << 62)
    return lambda value: (
        [Wrong((), 0, f"must be from {least} to {most}, not {_shown(value)}")]
        if isinstance(value, int) and not least <= value <= most
        else []
    )


def _mapping(schema: dict[str, t.Any], root: dict[str, t.Any]) -> _Check:
    properties = {key: compiled(part, root) for key, part in schema.get("properties", {}).items()}
    required = schema.get("required", [])
    others = schema.get("additionalProperties", True)
    strict = others is False
    other = compiled(others, root) if isinstance(others, dict) else None

    def check(value: t.Any) -> list[Wrong]:
        if not isinstance(value, dict):
            return []
        found = []
        lines = getattr(value, "lines", {})
        for key, item in value.items():
            known = properties.get(key, other)
            if known is not None:
                below = known(item)
                if below:
                    line = lines.get(key, 0)
                    found += [Wrong((key, *one.path), one.line or line, one.message) for one in below]
            elif strict:
                missing = [name for name in properties if name not in value]
                found.append(Wrong((key,), lines.get(key, 0), unknown("key", key, missing or properties)))
        for key in required:
            if key not in value:
                meaning = schema["properties"][key].get("description", "") if key in properties else ""
                hint = f": {meaning[:1].lower()}{meaning[1:]}" if meaning else ""
                found.append(Wrong((key,), getattr(value, "line", 0), f"is missing{hint}"))
        return found

    return check


def _sequence(schema: dict[str, t.Any], root: dict[str, t.Any]) -> _Check:
    each = compiled(schema["items"], root) if "items" in schema else None
    least, most = schema.get("minItems", 0), schema.get("maxItems", 1 << 30)
    unique = schema.get("uniqueItems", False)

    def check(value: t.Any) -> list[Wrong]:
        if not isinstance(value, list):
            return []
        found = []
        lines = getattr(value, "lines", ())
        if each is not None:
            for index, item in enumerate(value):
                below = each(item)
                if below:
                    line = lines[index] if lines else 0
                    found += [Wrong((index, *one.path), one.line or line, one.message) for one in below]
        if len(value) < least:
            found.append(Wrong((), 0, f"needs at least {least} item{'s' if least > 1 else ''}"))
        if len(value) > most:
            found.append(Wrong((), 0, f"has {len(value)} items, at most {most} are allowed"))
        if unique and len(value) > 1:
            seen: set[str] = set()
            for index, item in enumerate(value):
                same = json.dumps(item, sort_keys=True)
                if same in seen:
                    found.append(Wrong((index,), lines[index] if lines else 0, f"{_shown(item)} is given twice"))
                seen.add(same)
        return found

    return check
