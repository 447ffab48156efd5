"""Styles on publishers' words that would command a terminal, TeX or a page: they arrive, and command nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from exports.citing import Citation, Primary
from exports.styles import STYLES, plain

HOSTILE = [
    "line one\nline two\r\nthree\u2028four",
    "\u202eright to left\u2066 marks\u2069\u200f",
    "\x1b[31mred\x1b[0m \x00 \x07",
    r"\input{/etc/passwd} \write18{id} 100% & $5 #1 _a ^b ~c {unbalanced",
    'closing } and "quotes" }}} @misc{x,',
    "=HYPERLINK(\"http://example.org\")",
    "<script>alert(1)</script>",
    "Administração penitenciária, 監獄, سجون, тюрьмы 🏛",
    "long " * 5000,
]  # fmt: skip
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def citation(words: str) -> Citation:
    primary = Primary("s", words, words, f"{words}.", "CC-BY-4.0", words, None, None, "0" * 16, 5.0, "persons", "FRA", words, "f", words,
                      "2026-05", words, "0" * 64, words, words, words, words)  # fmt: skip
    primary = replace(primary, url=f"https://example.org/{words}")
    return Citation("2026.11.0", "2026-11-23", "figure", "0123456789abcdef", "tables/figure.csv, figure_id = 0123456789abcdef",
                    "FRA", words, "persons_held", words, 5.0, "persons", None, None, "5 persons", "in 2021", "Normal",
                    None, (primary, replace(primary, place_id="BEL")), (words,),
                    url=f"https://example.org/{words}")  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_plain_text_is_one_line_without_commands(words: str) -> None:
    for style in ("apa", "chicago"):
        said = STYLES[style](citation(words))
        assert not CONTROL.search(said)
        assert len(said) < 10_000


@pytest.mark.parametrize("words", HOSTILE)
def test_csl_is_json_whose_texts_are_one_line(words: str) -> None:
    items = json.loads(STYLES["csl"](citation(words)))
    assert len(items) == 2
    texts = [value for item in items for value in item.values() if isinstance(value, str)]
    assert not any(CONTROL.search(one) for one in texts)


@pytest.mark.parametrize("words", HOSTILE)
def test_bibtex_is_balanced_and_nothing_in_it_is_obeyed(words: str) -> None:
    said = STYLES["bibtex"](citation(words))
    assert said.startswith("@misc{custody-2026.11.0-0123456789abcdef,\n") and said.endswith(",\n}")
    depth = 0
    for letter in said:  # BibTeX counts a brace whether or not a backslash stands before it
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    values = re.findall(r"^  (\w+) = (?:\{(.*)\}|[a-z]{3}),$", said, re.MULTILINE)
    assert [name for name, _ in values].count("month") == 2 and len(values) == 16
    known = r"\\(textbackslash|textbraceleft|textbraceright|textasciitilde|textasciicircum|textless|textgreater|textquotedbl)\{\}|\\[&%$#_]"
    for name, value in values:
        if name in ("url", "urldate"):  # as it is, for LaTeX's \url: nothing that ends a field or begins a command
            assert not re.search(r'[\\{}"<>^`|\s]|[^\x20-\x7e]', value), value
            continue
        inner = value[1:-1] if value.startswith("{") else value  # a title in braces of its own keeps its capitals
        rest = re.sub(known, "", inner)
        assert not re.search(r'[\\{}&%$#_~^<>"]', rest), rest


def test_other_scripts_stay_as_they_are() -> None:
    words = HOSTILE[-2]
    for style in STYLES.values():
        assert words in style(citation(words))


def test_bidirectional_marks_go_and_letters_stay() -> None:
    assert plain("a\u202eb\u200fc") == "abc"
    assert plain("  a\t\n b ") == "a b"
    assert all(unicodedata.category(c) != "Cc" for c in plain("".join(map(chr, range(32))) + "x"))


@pytest.mark.skipif(shutil.which("bibtex") is None, reason="BibTeX is not installed here")
def test_bibtex_itself_reads_it(tmp_path: Path) -> None:
    """Entries of all the words together, through the program itself."""
    entries = [STYLES["bibtex"](replace(citation(w), id=f"{n:016x}")) for n, w in enumerate(HOSTILE)]
    (tmp_path / "all.bib").write_text("\n".join(entries), encoding="utf-8")
    (tmp_path / "all.aux").write_text("\\citation{*}\n\\bibstyle{plain}\n\\bibdata{all}\n", encoding="utf-8")
    said = subprocess.run(["bibtex", "all"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "error" not in said.stdout.lower() and said.returncode < 2, said.stdout
