"""Config: the models and what is derived from them."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.controls.floors import floor
from claimstack.generator.config import Config, ControlParameter, FrontDoor, control_parameter, parse_days
from claimstack.generator.fields import WORDS
from claimstack.generator.partition import GOVCLOUD
from claimstack.generator.rules import RETENTION_DAYS

CONFIG = Config(name="demo", title="Demo", class_="C", certification="rev5", region="us-gov-west-1", as_of=date(2026, 11, 1))


def test_partition_follows_the_region() -> None:
    assert CONFIG.partition == GOVCLOUD


def test_public_url_is_known_only_with_a_domain() -> None:
    with_domain = CONFIG.model_copy(update={"front_door": FrontDoor(domain="mcp.example.gov")})
    assert (CONFIG.public_url, with_domain.public_url) == (None, "https://mcp.example.gov/mcp")


def test_default_retention_reaches_the_floor_with_the_shortest_period_that_does() -> None:
    assert CONFIG.retention_days == min(days for days in RETENTION_DAYS if days >= floor("au-11").value)


def test_control_parameter_of_the_user_replaces_the_default() -> None:
    setting = ControlParameter(value="30 days", reason="A trial.", approver="Nobody", date=date(2026, 10, 1))
    config = CONFIG.model_copy(update={"parameters": {"au-11_odp": setting}})
    assert control_parameter(config, "au-11_odp") == setting
    assert config.retention_days == 30


def test_control_parameter_without_value_or_default_says_where_to_set_it() -> None:
    with pytest.raises(InputError, match=r'add \[parameters."ac-02_odp.01"\]'):
        control_parameter(CONFIG, "ac-02_odp.01")


@pytest.mark.parametrize("value", ["30", "30 day", "0 days", "030 days", "30  days", "thirty days", "30 days ", "1e3 days", "٣ days"])
def test_other_spellings_of_days_are_refused(value: str) -> None:
    with pytest.raises(InputError, match="expected a number of days"):
        parse_days(value)


def test_configuration_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        CONFIG.name = "other"  # type: ignore[misc]  # the assignment is what must fail


def test_every_pattern_has_words_and_every_example_in_them_fits_it() -> None:
    patterns = set(_patterns(Config.model_json_schema()))
    assert patterns == set(WORDS)
    for pattern, words in WORDS.items():
        for example in re.findall(r"such as '([^']+)'", words):
            assert re.search(pattern, example), words


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        yield from schema.get("patternProperties", {})
        for value in schema.values():
            yield from _patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _patterns(value)
