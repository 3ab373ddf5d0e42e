"""Names of months in the languages of tables: each name means one month, whatever its language."""

from typing import Literal

import numpy as np
import polars as pl

__all__ = ["ENGLISH", "LANGUAGES", "PATTERN", "Language", "language_of", "month_names", "month_of"]

Language = Literal["en", "de", "fr", "es", "it", "pt", "nl"]
ENGLISH: Language = "en"
LANGUAGES: dict[Language, tuple[str, str, str]] = {
    ENGLISH: (
        "January February March April May June July August September October November December",
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "Sept:9",
    ),
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
        "Jänner:1 Jän:1 Feber:2 Mrz:3 Maerz:3 Sept:9",
    ),
    "fr": (
        "Janvier Février Mars Avril Mai Juin Juillet Août Septembre Octobre Novembre Décembre",
        "Janv Févr Mars Avr Mai Juin Juil Août Sept Oct Nov Déc",
        "Jan:1 Fév:2 Fevrier:2 Fevr:2 Fev:2 Jui:6 Aout:8 Sep:9 Decembre:12 Dec:12",
    ),
    "es": (
        "Enero Febrero Marzo Abril Mayo Junio Julio Agosto Septiembre Octubre Noviembre Diciembre",
        "Ene Feb Mar Abr May Jun Jul Ago Sep Oct Nov Dic",
        "Sept:9 Setiembre:9",
    ),
    "it": (
        "Gennaio Febbraio Marzo Aprile Maggio Giugno Luglio Agosto Settembre Ottobre Novembre"
        " Dicembre",
        "Gen Feb Mar Apr Mag Giu Lug Ago Set Ott Nov Dic",
        "Sett:9",
    ),
    "pt": (
        "Janeiro Fevereiro Março Abril Maio Junho Julho Agosto Setembro Outubro Novembro Dezembro",
        "Jan Fev Mar Abr Mai Jun Jul Ago Set Out Nov Dez",
        "Marco:3",
    ),
    "nl": (
        "Januari Februari Maart April Mei Juni Juli Augustus September Oktober November December",
        "Jan Feb Mrt Apr Mei Jun Jul Aug Sep Okt Nov Dec",
        "Sept:9",
    ),
}
"""Of each language the names, the short names, and other ways in which months are written."""


def _numbers(language: Language) -> dict[str, int]:
    """The months that a language's names mean, in small letters."""
    whole, short, others = LANGUAGES[language]
    found = {
        name.lower(): month
        for names in (whole, short)
        for month, name in enumerate(names.split(), start=1)
    }
    pairs = (other.split(":") for other in others.split())
    return found | {name.lower(): int(month) for name, month in pairs}


_NUMBERS: dict[Language, dict[str, int]] = {code: _numbers(code) for code in LANGUAGES}
_MONTHS = {name: month for known in _NUMBERS.values() for name, month in known.items()}
PATTERN = "|".join(sorted(_MONTHS, key=len, reverse=True))
"""Regular expression of a name, to be matched whatever its case."""


def month_of(names: pl.Series) -> np.ndarray:
    """The months 1 to 12 that names `[N]` mean, int64; 0 where one is none.

    Example:
        >>> month_of(pl.Series(["Mai", "DEC", "août", "x"])).tolist()
        [5, 12, 8, 0]
    """
    small = names.str.to_lowercase()
    return small.replace_strict(_MONTHS, default=0, return_dtype=pl.Int64).fill_null(0).to_numpy()


def language_of(names: pl.Series) -> Language:
    """The first language of `LANGUAGES` that has all names; English where none has."""
    seen = set(names.drop_nulls().str.to_lowercase())
    fitting: list[Language] = [code for code, known in _NUMBERS.items() if seen <= known.keys()]
    return (fitting or [ENGLISH])[0]


def month_names(language: Language, *, short: bool) -> pl.Series:
    """The names of the twelve months, with a capital.

    Args:
        language: language, a key of `LANGUAGES`.
        short: whether the names are the short ones.
    """
    return pl.Series(LANGUAGES[language][short].split())
