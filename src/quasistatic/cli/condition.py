"""`quasistatic condition`: rows given what is known of some columns, and how probable that is."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quasistatic.cli.options import Force, Json, Model, Quiet, Rows, Seed, refuse_halves
from quasistatic.cli.screen import Screen, nats
from quasistatic.data.text.names import longest_name
from quasistatic.errors import SchemaError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from quasistatic.data.constraints.form import Form

_RELATION = re.compile(r"^(?P<name>.+?)\s*(?P<relation><=|>=|=|<|>)\s*(?P<value>.*)$")
_BEFORE = re.compile(r"^\s*(.+?)\s*(<=?)\s*$")
_BEHIND = re.compile(r"^\s*(<=?)\s*(.+?)\s*$")
_ONCE = "say of each column one thing: a value, values joined by |, or a range"
_MARKS = ("<=", ">=", "=", "<", ">")


def condition(
    model: Model,
    given: Annotated[
        list[str],
        typer.Option(
            "--given",
            "-g",
            metavar="COLUMN=VALUE",
            help="Also `COLUMN>V`, `<`, `>=`, `<=`; `V<=COLUMN<W`; `COLUMN=A|B`: either; "
            "`A - B < 30`: columns of numbers or times together. Repeat it.",
        ),
    ],
    number: Annotated[
        int, typer.Option("--number", "-n", metavar="N", min=1, help="How many rows.")
    ],
    output: Rows,
    particles: Annotated[
        int, typer.Option(metavar="N", min=2, help="Particles of a population.")
    ] = 64,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw rows that agree with what is given, and print its log evidence.

    The evidence is the log of the probability (the density, for numbers that are not rounded) that
    the model gives to the condition, in nats. The effective number of particles says how many
    independent rows stand behind the draws.

    **Examples**

    `quasistatic condition model --given sex=female --given "body_mass_g>4000" -n 100 -o rows.csv`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, layout_of, write_rows

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    layout = layout_of(model)
    check_rows_output(output, force=force, as_json=as_json, layout=layout)

    from quasistatic.estimator.loading import load_diffusion
    from quasistatic.fitted.rarity import warning_of

    density = load_diffusion(model)
    schema = density.schema_
    discrete = [c.name for c in schema.columns if c.is_discrete]
    conditions = read_given(given, discrete, schema.names)
    rare = warning_of(density.fitted_, [name for name in conditions if name in discrete])
    if rare:
        screen.warn(f"Warning: {rare}.")
    found = density.condition(conditions)
    table = found.draw(number, random_state=seed, particles=particles)
    write_rows(table, output, force=force, layout=layout)
    screen.result(
        f"Log evidence: {nats(found.log_evidence, found.stderr)} nats; "
        f"{found.ess:.0f} effective particles"
    )
    screen.result(f"Base measure: {found.base_measure}")
    if output != STDOUT:
        screen.result(f"{len(table)} rows: {output}")
    values = {
        "log_evidence_nats": found.log_evidence,
        "stderr": found.stderr,
        "ess": found.ess,
        "base_measure": found.base_measure,
    }
    screen.json(
        {
            "model": model,
            "given": given,
            "output": output,
            "rows": len(table),
            **values,
            "seed": seed,
        }
    )


def _relations(text: str, names: "Sequence[str]") -> list[tuple[str, str, str]]:
    """Column, relation and value of each part of a condition: `30<=age<40` is `age>=30` and
    `age<40`. The column is the one with the longest name that fits.
    """
    found = longest_name(text, names, _MARKS)
    if found is None:
        for name in sorted(names, key=len, reverse=True):
            low, between, high = text.partition(name.strip())
            first, second = _BEFORE.match(low), _BEHIND.match(high)
            if between and first and second:
                return [
                    (name, first[2].replace("<", ">"), first[1]),
                    (name, second[1], second[2]),
                ]
        match = _RELATION.match(text)  # of no column of the model; it will be said to be unknown
        if match is None:
            return [(text, "", "")]
        return [(match["name"].strip(), match["relation"], match["value"].strip())]
    name, rest = found
    relation = next(mark for mark in _MARKS if rest.startswith(mark))
    return [(name, relation, rest[len(relation) :].strip())]


def _of_forms(
    text: str, discrete: "Sequence[str]", names: "Sequence[str]"
) -> "list[tuple[Form, str, str]]":
    """Form, relation and value of each part of a comparison of several columns of numbers, such as
    `end - start < 30`; none where it is no such comparison.
    """
    from quasistatic.data.constraints.form import Form
    from quasistatic.data.constraints.language import read_comparison

    try:
        comparisons = read_comparison(text, [name for name in names if name not in discrete])
    except SchemaError:
        return []
    found = []
    for one in comparisons:
        # In the direction in which people say it: a form that begins with a minus is turned.
        sign = 1.0 if one.form.terms[0][1] > 0 or one.relation == "=" else -1.0
        form = Form(one.form.times(sign).terms)
        relation = one.relation if sign > 0 else one.relation.replace(">", "<")
        found.append((form, relation, repr(-sign * one.form.constant)))
    single = all(len(form.terms) == 1 and form.terms[0][1] == 1 for form, _, _ in found)
    return [] if single else found


def read_given(
    given: "Sequence[str]", discrete: "Sequence[str]", names: "Sequence[str]" = ()
) -> "Mapping[Any, Any]":
    """The conditions of `--given` options; two limits of one column, or of one linear form of
    several, are one range.

    Args:
        given: values of the command-line option, one condition each.
        discrete: names of the columns with categories.
        names: names of all columns, which may hold blanks and relations (default: none are known).

    Raises:
        SettingError: no relation in it, or two that contradict each other.
    """
    from quasistatic.fitted.between import Between, Closed

    found: dict[Any, Any] = {}
    parts = []
    refuse_halves("--given", given)
    for text in given:
        of_forms = _of_forms(text, discrete, names)
        parts += [(text, part) for part in of_forms or _relations(text, [*names, *discrete])]
    for text, (name, relation, value) in parts:
        if not relation or not value:
            raise SettingError(
                f"--given {text!r} is no condition",
                fix="write column=value, column>value or column<=value",
            )
        before = found.get(name)
        if relation == "=":
            if before is not None:
                raise SettingError(f"--given names {name!r} twice", fix=_ONCE)
            several = isinstance(name, str) and "|" in value and name in discrete
            found[name] = value.split("|") if several else value
            continue
        if not isinstance(before, Between | None):
            raise SettingError(f"--given names {name!r} twice", fix=_ONCE)
        low, high, closed = (
            (before.low, before.high, before.closed) if before else (None, None, "both")
        )
        left, right = closed in ("both", "left"), closed in ("both", "right")
        if (low if relation.startswith(">") else high) is not None:
            said = name if isinstance(name, str) else name.text
            raise SettingError(f"--given has two limits of {said!r} on one side", fix=_ONCE)
        if relation.startswith(">"):
            low, left = value, relation == ">="
        else:
            high, right = value, relation == "<="
        sides: dict[tuple[bool, bool], Closed] = {
            (True, True): "both",
            (True, False): "left",
            (False, True): "right",
            (False, False): "neither",
        }
        found[name] = Between(low, high, sides[left, right])
    return found
