"""Texts that have hurt programs before, as a publisher may send them; each must arrive as it is, and do nothing."""

from __future__ import annotations

HOSTILE = (
    "=1+1",
    '=HYPERLINK("https://evil.example","click")',
    "=cmd|' /C calc'!A0",
    "+33 1 23 45",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "two\nlines",
    "Windows\r\nlines",
    "\N{RIGHT-TO-LEFT OVERRIDE}right to left\N{POP DIRECTIONAL FORMATTING} and \N{RIGHT-TO-LEFT MARK}back",
    "العربية שָׁלוֹם",
    "a, comma; a semicolon | and a \"quote\" and 'another'",
    "<script>alert(1)</script> & <b>",
    "'; DROP TABLE observation; --",
    "{{ 7 * 7 }} ${7*7} %s %n \\N \\0 \\x00",
    "_x0041_ is no A, _x000D_ is no line end",
    "NA",
    "NULL",
    "nan",
    "TRUE",
    "007",
    "1e5",
    "1/2",
    "2024-01-01",
    " padded ",
    "non-breaking\N{NO-BREAK SPACE}space, zero\N{ZERO WIDTH SPACE}width, \N{ZERO WIDTH NO-BREAK SPACE}mark",
    "Côte d'Ivoire, Việt Nam, Å and A\N{COMBINING RING ABOVE}, 中国, \N{CLASSICAL BUILDING} \N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}",
    "\x85next line, \u2028line, \u2029paragraph",
    "n" * 10_000,
)

#: What can be in no CSV and no workbook: refused when a file is read, and again when a release is made.
IMPOSSIBLE = (
    "NUL\0",
    "bell\a",
    "unit\x1fseparator",
    "record\x1eseparator",
    "form\ffeed",
    "escape\x1b[31m",
    "no\ufffecharacter",
)
