"""Families: the loader refuses what contradicts itself or the catalog, and says where."""

from __future__ import annotations

import pytest

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.families import Ceiling, Disposition, Families, Remainder, disposition_of, load_families, parse_families

AU = """
family = "au"

[ceilings."au-11_smt"]
highest = "implemented"

[ceilings."au-2_smt.a"]
highest = "partial"
because = "The template shows sources, not every event type."
remains = [{ who = "organisation", what = "Name the event types." }]

[ceilings."au-6_smt.b"]
highest = "none"
because = "Reporting is done by people."

[dispositions."au-1"]
status = "organisational"
origination = "sp-corporate"
reason = "The audit policy is the provider's."

[dispositions."au-11_smt"]
status = "planned"
origination = "sp-system"
reason = "Retention follows once the log stack is built."
unless_claimed = true
"""


def causes_of(text: str, name: str = "controls/families/au.toml") -> tuple[str, ...]:
    with pytest.raises(InputError) as raised:
        parse_families({name: text}, load_catalog())
    return raised.value.causes


def ceiling(body: str, point: str = "au-11_smt") -> tuple[str, ...]:
    return causes_of(f'[ceilings."{point}"]\n{body}', "overlay.toml")


def disposition(body: str, target: str = "au-1") -> tuple[str, ...]:
    return causes_of(f'[dispositions."{target}"]\n{body}', "overlay.toml")


def test_a_family_file_becomes_ceilings_and_dispositions() -> None:
    source = "controls/families/au.toml"
    assert parse_families({source: AU}, load_catalog()) == Families(
        ceilings={
            "au-11_smt": Ceiling("au-11_smt", "implemented", (), ""),
            "au-2_smt.a": Ceiling(
                "au-2_smt.a",
                "partial",
                (Remainder("organisation", "Name the event types."),),
                "The template shows sources, not every event type.",
            ),
            "au-6_smt.b": Ceiling("au-6_smt.b", "none", (), "Reporting is done by people."),
        },
        dispositions={
            "au-1": Disposition("au-1", "organisational", "sp-corporate", "The audit policy is the provider's.", source=source),
            "au-11_smt": Disposition(
                "au-11_smt", "planned", "sp-system", "Retention follows once the log stack is built.", unless_claimed=True, source=source
            ),
        },
    )


def test_a_point_falls_back_on_its_control() -> None:
    stated = parse_families({"controls/families/au.toml": AU}, load_catalog()).dispositions
    found = [disposition_of(load_catalog().points[point], stated) for point in ("au-1_smt.a", "au-11_smt", "au-3_smt.a")]
    assert found == [stated["au-1"], stated["au-11_smt"], None]


def test_an_earlier_source_answers_first_even_for_the_whole_control() -> None:
    ours = parse_families({"controls/families/au.toml": AU}, load_catalog()).dispositions
    theirs = {"au-11": Disposition("au-11", "customer", "customer-provided", "The agency keeps the records.")}
    assert disposition_of(load_catalog().points["au-11_smt"], theirs, ours) == theirs["au-11"]


def test_the_families_of_the_package_load_once() -> None:
    assert load_families() is load_families()
    assert load_families().dispositions["au-1"].source == "controls/families/au.toml"


def test_broken_toml_names_its_line() -> None:
    assert causes_of("family = 'au'\nx = ?\n") == ("controls/families/au.toml: not TOML: Invalid value (at line 2, column 5)",)


def test_all_causes_of_all_files_come_at_once() -> None:
    with pytest.raises(InputError) as raised:
        parse_families({"a.toml": "x = 1", "b.toml": "dispositions = 3"}, load_catalog())
    assert raised.value.causes == ("a.toml: x: unknown key", "b.toml: dispositions: must hold one table for each id")


def test_unknown_key_names_its_nearest_neighbour() -> None:
    assert causes_of("familly = 'au'") == ("controls/families/au.toml: familly: unknown key; did you mean 'family'?",)
    assert "overlay.toml: ceilings.\"au-11_smt\": becuase: unknown key; did you mean 'because'?" in ceiling(
        "highest = 'implemented'\nbecuase = 'x'"
    )


def test_unknown_ids_are_refused() -> None:
    (cause,) = disposition("status = 'planned'\norigination = 'sp-system'\nreason = 'Later.'", "au-99")
    assert cause.startswith('overlay.toml: dispositions."au-99": ')
    (cause,) = ceiling("highest = 'implemented'", "au-3_smt.z")
    assert cause.startswith('overlay.toml: ceilings."au-3_smt.z": ')


def test_a_ceiling_of_a_control_is_refused() -> None:
    assert ceiling("highest = 'implemented'", "au-11") == (
        'overlay.toml: ceilings."au-11": a ceiling belongs to a response point such as au-3_smt.a, not to a control',
    )


def test_an_id_of_another_family_is_refused() -> None:
    assert causes_of("family = 'au'\n[ceilings.\"sc-28_smt\"]\nhighest = 'implemented'") == (
        'controls/families/au.toml: ceilings."sc-28_smt": belongs to family sc; move it to sc.toml',
    )


def test_a_file_carries_the_name_of_its_family() -> None:
    assert causes_of("family = 'sc'") == ("controls/families/au.toml: family: the file says 'sc'; name it sc.toml",)
    assert causes_of("family = 'aux'")[0].startswith("controls/families/au.toml: family: 'aux' is no family of the catalog")


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ("", ("highest: missing; use implemented, partial, none", "because: missing; say why no more is the most that can be earned")),
        (
            "highest = 'parital'\nbecause = 'x'",
            ("highest: 'parital' is none of implemented, partial, none; did you mean 'partial'?",),
        ),
        ("highest = 'none'", ("because: missing; say why none is the most that can be earned",)),
        (
            "highest = 'partial'\nbecause = 'x'",
            ("remains: empty; say what is left and for whom, or state highest = 'implemented'",),
        ),
        (
            "highest = 'implemented'\nremains = [{ who = 'tools', what = 'A scope each.' }]",
            ("remains: something is left, so the highest status is 'partial'",),
        ),
        (
            "highest = 'partial'\nbecause = ' x'\nremains = [{ who = 'agency', what = 'Review.' }, { who = 'aws' }]",
            (
                "because: found ' x'; write one line without space at either end",
                "remains[0]: who: 'agency' is none of organisation, aws, customer, provider-of-key, tools",
                "remains[1]: what: missing; write one line without space at either end",
            ),
        ),
        (
            "highest = 'partial'\nbecause = 'x'\nremains = 'much'",
            ("remains: must be a list of tables with who and what",),
        ),
    ],
)
def test_a_wrong_ceiling_says_what_to_do(body: str, problems: tuple[str, ...]) -> None:
    assert ceiling(body) == tuple(f'overlay.toml: ceilings."au-11_smt": {problem}' for problem in problems)


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (
            "status = 'implemented'\norigination = 'sp-system'\nreason = 'Done.'",
            ("status: 'implemented' is none of inherited, organisational, customer, planned, not-applicable",),
        ),
        (
            "status = 'inherited'\norigination = 'sp-system'\nreason = 'By AWS.'",
            ("origination: 'sp-system' contradicts status 'inherited'; use inherited, shared",),
        ),
        ("status = 'planned'\norigination = 'sp-system'", ("reason: missing; write one line without space at either end",)),
        (
            "status = 'planned'\norigination = 'sp-system'\nreason = 'Later.'\nunless_claimed = 'yes'",
            ("unless_claimed: expected true or false, found 'yes'",),
        ),
    ],
)
def test_a_wrong_disposition_says_what_to_do(body: str, problems: tuple[str, ...]) -> None:
    assert disposition(body) == tuple(f'overlay.toml: dispositions."au-1": {problem}' for problem in problems)


def test_an_entry_that_is_no_table_is_refused() -> None:
    assert causes_of("[dispositions]\nau-1 = 'planned'", "overlay.toml") == ('overlay.toml: dispositions."au-1": must be a table',)


def test_two_files_cannot_state_one_id() -> None:
    text = "[ceilings.\"au-11_smt\"]\nhighest = 'implemented'"
    with pytest.raises(InputError) as raised:
        parse_families({"a.toml": text, "b.toml": text}, load_catalog())
    assert raised.value.causes == ('b.toml: ceilings."au-11_smt": already stated in a.toml; keep one of the two',)


PLANNED = "status = 'planned'\norigination = 'sp-system'\nreason = 'Later.'\n"


def test_a_disposition_beside_a_claimable_point_must_yield() -> None:
    text = f'[ceilings."au-11_smt"]\nhighest = \'implemented\'\n[dispositions."au-11"]\n{PLANNED}'
    assert causes_of(text, "overlay.toml") == (
        'overlay.toml: dispositions."au-11": overlay.toml lets au-11_smt be claimed;'
        " say unless_claimed = true here, or in a disposition of the point's own",
    )


def test_a_disposition_yields_to_nothing_where_no_claim_may_stand() -> None:
    text = f"[ceilings.\"au-11_smt\"]\nhighest = 'none'\nbecause = 'x'\n[dispositions.\"au-11\"]\n{PLANNED}unless_claimed = true"
    assert causes_of(text, "overlay.toml") == (
        'overlay.toml: dispositions."au-11": says unless_claimed, but no claim may name au-11_smt;'
        " delete unless_claimed or raise the ceiling",
    )


def test_a_control_and_all_its_points_cannot_both_be_disposed() -> None:
    text = f'[dispositions."au-8"]\n{PLANNED}[dispositions."au-8_smt.a"]\n{PLANNED}[dispositions."au-8_smt.b"]\n{PLANNED}'
    assert causes_of(text, "overlay.toml") == (
        'overlay.toml: dispositions."au-8": every point of au-8 has its own disposition; delete this one or theirs',
    )
