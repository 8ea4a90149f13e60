"""Loading: a system.toml into a Config, or every reason why it cannot be one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.config import Config
from claimstack.generator.fields import WORDS
from claimstack.generator.rules import violations


def load_config(path: Path) -> Config:
    """Raise InputError with one cause for each mistake; each starts with the path as given."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; write one with `claimstack init`, or correct the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory; name the system.toml in it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; correct its permissions or the path") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: is not UTF-8 text (line {line}, byte 0x{data[error.start]:02x}); save it as UTF-8") from None
    return parse_config(text, str(path))


def parse_config(text: str, name: str) -> Config:
    """Pure; `name` stands in front of each cause. Raise InputError with one cause for each mistake."""
    data = parse_toml(text, name)
    errors = _errors(data)
    config, faulty = _sound_part(data, errors)
    problems = [(_spelled(error["loc"]), _explained(error)) for error in errors]
    raise_all(f"{name}: {key}: {text}" for key, text in (*problems, *violations(config, faulty)))
    return config


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Tables as dicts, arrays as tuples. Raise InputError with line and column."""
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{name}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        line = text.count("\n") + 1
        reason = str(error).replace("at end of document", f"at line {line}, the end of the document").partition("; use sys.")[0]
        raise InputError(f"{name}: not valid TOML: {reason}") from None
    return {key: frozen(value) for key, value in data.items()}


STAND_INS = {
    "name": "unnamed",
    "title": "Untitled",
    "class": "C",
    "certification": "rev5",
    "region": "us-east-1",
    "as_of": date(2000, 1, 1),
}
"""In place of a required value that is missing or faulty, so that the rules can be asked about the rest."""

EXAMPLES = {
    "name": '"grants-tools"',
    "title": '"MCP server of the grants office"',
    "description": '"What it is, in one line"',
    "class": '"C"',
    "certification": '"20x" or "rev5"',
    "region": '"us-east-1"',
    "as_of": "2026-11-01",
    "package_id": '"the id that FedRAMP gave it"',
    "date_authorized": "2026-01-31",
    "value": '"1096 days"',
    "reason": '"Why, in one line"',
    "approver": '"Who approved it"',
    "date": "2026-01-31",
    "status": '"planned"',
    "confidentiality": '"moderate"',
    "integrity": '"moderate"',
    "availability": '"low"',
    "owner": '"system-owner"',
    "completion": "2027-01-31",
    "milestone": '"What will be done, in one line"',
    "id": '"123456"',
    "module": '"The name on the certificate"',
    "certificate": '"4523"',
    "standard": '"FIPS 140-3"',
    "explanation": '"How it is followed, in one line"',
}
"""Required key → what a line with it may look like."""
NAMED_EXAMPLES = {"people": '"Head of the grants office"', "assessor": '"Example Assessor LLC"'}
"""Table whose `name` is another's than the system's → the same for it."""


def value_problem(key: str, value: object) -> str | None:
    """What is wrong with one value by itself, such as the one for `front_door.domain`; None when nothing is."""
    *tables, last = key.split(".")
    data: dict[str, Any] = {last: value}
    for table in reversed(tables):
        data = {table: data}
    return next((_explained(error) for error in _errors(data) if _spelled(error["loc"]).startswith(key)), None)


def _errors(data: Mapping[str, Any]) -> list[ErrorDetails]:
    try:
        _validated(data)
    except ValidationError as failure:
        return failure.errors(include_url=False)
    return []


def _validated(data: Mapping[str, Any]) -> Config:
    return Config.model_validate(data, by_alias=True, by_name=False)


def _sound_part(data: Mapping[str, Any], errors: list[ErrorDetails]) -> tuple[Config, set[str]]:
    """The configuration without its faulty values, and the keys of these."""
    faulty: set[str] = set()
    sound = dict(data)
    while errors:
        for error in errors:
            loc = error["loc"]
            if error["type"] == "extra_forbidden":
                faulty |= {".".join(map(str, (*loc[:-1], near))) for near in _near(loc)}
            # A table that lacks a required key is left out as a whole; so is an entry of a table whose keys are the user's own.
            place = (loc if len(loc) == 1 or error["type"] != "missing" else loc[:-1])[:2]
            faulty.add(".".join(map(str, place)))
            _leave_out(sound, place)
        errors = _errors(sound)
    return _validated(sound), faulty


def _leave_out(data: dict[str, Any], place: tuple[int | str, ...]) -> None:
    key = str(place[0])
    value = data.pop(key, None)
    if len(place) == 2 and isinstance(value, dict):
        data[key] = {inner: entry for inner, entry in value.items() if inner != place[1]}
    elif key in STAND_INS:
        data[key] = STAND_INS[key]


def _explained(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    found = _shown(error["input"])
    match kind:
        case "extra_forbidden":
            return f"unknown key{_nearest_key(error['loc'])}"
        case "missing":
            table, key = str(error["loc"][0]), str(error["loc"][-1])
            example = NAMED_EXAMPLES.get(table) if key == "name" else None
            return f"missing; add a line such as {key} = {example or EXAMPLES[key]}"
        case "tuple_type" if isinstance(error["input"], dict) and _model_at(error["loc"]):
            return f"expected a list of tables, found one table; write its head as [[{_spelled(error['loc'])}]]"
        case "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            near = get_close_matches(str(error["input"]), choices, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            return f"expected {_either(choices)}, found {found}{hint}"
        case "string_pattern_mismatch":
            return f"expected {WORDS[context['pattern']]}; found {found}"
        case _:
            return f"expected {EXPECTED[kind].format(**context)}, found {found}"


EXPECTED = {
    "model_type": "a table of keys",
    "dict_type": "a table of keys",
    "string_type": "text in quotes",
    "string_unicode": "text in Unicode",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "a list in brackets",
    "date_type": "a date without quotes, such as 2026-11-01",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_long": "at most {max_length} entries",
}
"""Kind of a validation error → what a person should have written; the remaining kinds need more than a word and stand in `_explained`."""


def _nearest_key(loc: tuple[int | str, ...]) -> str:
    unknown, near = str(loc[-1]), _near(loc)
    if near:
        return f"; did you mean '{near[0]}'?"
    elsewhere = [f"{table}.{unknown}" for table in _keys(Config) if unknown in _keys(_model_at((table,)))]
    if elsewhere:
        return f"; did you mean '{elsewhere[0]}'?"
    return f"; known here: {', '.join(_keys(_model_at(loc[:-1])))}"


def _near(loc: tuple[int | str, ...]) -> list[str]:
    return get_close_matches(str(loc[-1]), _keys(_model_at(loc[:-1])), n=1)


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_at(loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the table at a key, also below a table whose keys are the user's own; None where there is no table."""
    model: type[BaseModel] | None = Config
    for part in loc:
        if model is None:
            return None
        field = next((field for name, field in model.model_fields.items() if part in (name, field.alias)), None)
        if field is not None:
            model = next(_models_in(field.annotation), None)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _spelled(loc: tuple[int | str, ...]) -> str:
    """A key as TOML writes it: `auth.scopes[2]` (counted from 1), `parameters."au-11_odp".date`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        elif part != "[key]":
            bare = part if re.fullmatch(r"[A-Za-z0-9_]+", part) else _shown(part, quote='"')
            text += f".{bare}" if text else bare
    return text


def _shown(value: object, quote: str = "'") -> str:
    """A value on one line and of readable length, near to how TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            shown = value.encode("unicode_escape").decode("ascii") if not value.isprintable() else value
            return f"{quote}{shown[:60]}{'…' if len(shown) > 60 else ''}{quote}"
        case dict():
            return "a table"
        case tuple():
            return "an empty list" if not value else f"a list of {len(value)}"
        case _:
            return str(value)[:60]


def _either(choices: list[str]) -> str:
    quoted = [f"'{choice}'" for choice in choices]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def frozen(value: Any) -> Any:
    match value:
        case list():
            return tuple(frozen(entry) for entry in value)
        case dict():
            return {key: frozen(entry) for key, entry in value.items()}
        case _:
            return value
