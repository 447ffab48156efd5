"""How a command names one figure: place, measure and year with breakdowns, or an id; in which release.

The arguments stand here once, for every command that takes them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from custody.app import USAGE, as_number, fail
from exports.chosen import DEFAULT
from exports.finding import BREAKDOWNS, Wanted

Place = Annotated[str, typer.Argument(metavar="PLACE|ID", help="A place's name or code, or the id of a figure.")]
Measure = Annotated[
    str | None, typer.Argument(metavar="MEASURE", help="What is counted, such as persons_held or reconviction.")
]
Year = Annotated[
    int | None, typer.Argument(metavar="YEAR", parser=as_number("the year"), help="The year of the figure.")
]
Sex = Annotated[str | None, typer.Option(help="F or M.")]
Age = Annotated[str | None, typer.Option(help="An age group, such as JUVENILE.")]
Status = Annotated[str | None, typer.Option("--legal-status", help="SENTENCED, UNSENTENCED and so on.")]
Citizenship = Annotated[str | None, typer.Option(help="NATIONAL or FOREIGN.")]
Offence = Annotated[str | None, typer.Option(help="An offence of the ICCS, such as ICCS0101.")]
Supervision = Annotated[str | None, typer.Option(help="A form of supervision, such as PROBATION.")]
Cause = Annotated[str | None, typer.Option(help="A cause of death, such as SUICIDE.")]
Definition = Annotated[
    str | None, typer.Option(help="A publisher's definition; `own` is the measure's. By default that of country_year.")
]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="The estimate for the end of the year, no published figure.")
]
Of = Annotated[
    str,
    typer.Option(
        "--release", metavar="R", help="A version, `stable` (the newest not retracted), `latest`, or a directory."
    ),
]


def _named(
    place: Place,
    measure: Measure = None,
    year: Year = None,
    sex: Sex = None,
    age: Age = None,
    legal_status: Status = None,
    citizenship: Citizenship = None,
    offence: Offence = None,
    supervision: Supervision = None,
    cause: Cause = None,
    definition: Definition = None,
    estimate: Estimate = False,
    release: Of = DEFAULT,
) -> tuple[Wanted | str, str]:
    """The figure that is meant, by its meaning, or by its id where there is nothing but that; and the release."""
    given = (sex, age, legal_status, citizenship, offence, supervision, cause)
    if measure is None:
        if estimate or definition is not None or any(given):
            raise fail("options such as --sex belong to PLACE, MEASURE and YEAR; an id stands alone.", USAGE)
        return place, release
    codes = {name: code for name, code in zip(BREAKDOWNS, given, strict=True) if code not in (None, "_T", "_Z")}
    return Wanted(place, measure, year, {n: str(c) for n, c in codes.items()}, definition, estimate), release


def of_a_figure(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command take the arguments that name a figure; it is given `what` and `release` in their place."""
    naming = _parameters(_named)
    own = [parameter for parameter in _parameters(command) if parameter.name not in ("what", "release")]

    def called(**given: Any) -> None:
        what, release = _named(**{parameter.name: given.pop(parameter.name) for parameter in naming})
        command(what, release, **given)

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in (*naming, *own)}
    called.__signature__ = inspect.Signature([*naming, *own])  # type: ignore[attr-defined]
    return called


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function, with their annotations as typer reads them."""
    hints = get_type_hints(function, include_extras=True)
    return [p.replace(annotation=hints[p.name]) for p in inspect.signature(function).parameters.values()]
