"""Environment: the template-parameter values of one deployment, read from environments/<name>.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.emitted import Json


def load_environment(path: Path, stacks: Mapping[str, Json]) -> dict[str, dict[str, str]]:
    """Parameter values by stack, from a file in the form of parameters.example.json.

    The form is {stack: [{"ParameterKey": …, "ParameterValue": …}]}, so that each list can be handed to the AWS CLI as it is. Raises
    InputError with every value that CloudFormation would refuse.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); an environment is a file in the form of parameters.example.json"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: is not JSON: {error}") from error
    values = _values(path, document)
    raise_all(f"{path}: {cause}" for cause in _causes(values, stacks))
    return values


def _values(path: Path, document: Json) -> dict[str, dict[str, str]]:
    shape = 'expected {"stack": [{"ParameterKey": "…", "ParameterValue": "…"}]}, as in parameters.example.json'
    if not isinstance(document, dict):
        raise InputError(f"{path}: {shape}")
    values: dict[str, dict[str, str]] = {}
    for stack, entries in document.items():
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) and isinstance(entry.get("ParameterKey"), str) for entry in entries
        ):
            raise InputError(f"{path}: {stack}: {shape}")
        values[stack] = {entry["ParameterKey"]: str(entry.get("ParameterValue", "")) for entry in entries}
    return values


def _causes(values: Mapping[str, Mapping[str, str]], stacks: Mapping[str, Json]) -> Iterator[str]:
    for stack, given in values.items():
        if stack not in stacks:
            yield f"{stack}: the system has no such stack{_nearest(stack, stacks)}"
            continue
        declared = stacks[stack].get("Parameters", {})
        for name, value in given.items():
            if name not in declared:
                yield f"{stack}.{name}: no such template parameter{_nearest(name, declared)}"
            else:
                yield from (f"{stack}.{name}: {cause}" for cause in _refusals(declared[name], value))


def _refusals(declared: Json, value: str) -> Iterator[str]:
    """Why CloudFormation would refuse a value for a template parameter."""
    items = [item.strip() for item in value.split(",")] if "List" in declared["Type"] else [value]
    pattern = declared.get("AllowedPattern")
    allowed = declared.get("AllowedValues")
    wanted = declared.get("ConstraintDescription", pattern)
    if pattern and not all(re.fullmatch(pattern, item) for item in items):
        yield f"{value!r} does not fit: {wanted}"
    if allowed and value not in [str(item) for item in allowed]:
        yield f"{value!r} is none of {', '.join(map(str, allowed))}"
    if declared["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            yield f"{value!r} is not a number"
            return
        if number < float(declared.get("MinValue", number)) or number > float(declared.get("MaxValue", number)):
            yield f"{value} lies outside {declared.get('MinValue', 'any')} to {declared.get('MaxValue', 'any')}"


def _nearest(word: str, known: Mapping[str, Json]) -> str:
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(known) or 'none'}"
