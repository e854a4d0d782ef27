"""How often the encoding of a small file is offered rightly: texts that the lists of characters were not made with.

    python -m tests.tools.encodings [--seed 0] [--files 300]

Texts are the translations that the system's programs bring along (`/usr/share/locale/*/LC_MESSAGES/*.mo`) and, where
Babel is installed, the names of countries, languages and currencies in CLDR. A file has a header, and one, four or
twenty different cells with characters beyond ASCII; it counts as right if it reads under the offered encoding as it was
written. Prints a table of shares in percent.
"""

from __future__ import annotations

import argparse
import gettext
import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data.files.guess_encoding import detect

LANGUAGES = {
    "gb18030": ("zh_CN",), "big5": ("zh_TW",), "shift_jis": ("ja",), "euc_jp": ("ja",), "euc_kr": ("ko",),
    "cp1251": ("ru", "uk"), "koi8-r": ("ru",), "cp1253": ("el",), "cp874": ("th",),
    "latin-1": ("de", "fr", "es", "pt_BR", "it", "sv"), "cp1252": ("de", "fr", "es", "pt_BR", "it", "sv"),
    "cp1250": ("pl", "cs", "hu"), "cp1254": ("tr",),
}  # fmt: skip
SIZES = (1, 4, 20)
_LONGEST = 40  # characters of a cell


def translated(language: str) -> Iterator[str]:
    """What programs say in a language."""
    for path in sorted(Path(f"/usr/share/locale/{language}/LC_MESSAGES").glob("*.mo")):
        try:
            with path.open("rb") as file:
                catalogue = vars(gettext.GNUTranslations(file))["_catalog"]
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        yield from (text for original, text in sorted(catalogue.items(), key=str) if original and isinstance(text, str))


def named(language: str) -> Iterator[str]:
    """Names of countries, languages and currencies in a language; none without Babel."""
    try:
        core = importlib.import_module("babel")
    except ImportError:
        return
    locale = core.Locale.parse(language)
    for names in (locale.territories, locale.languages, locale.currencies):
        yield from (str(name) for _, name in sorted(names.items()))


SOURCES = {"programs": translated, "CLDR": named}


def cells(source: str, encoding: str) -> list[str]:
    """Different cells with characters beyond ASCII that the encoding has."""
    found = dict.fromkeys(text.strip() for language in LANGUAGES[encoding] for text in SOURCES[source](language))
    return [text for text in found if _fits(text, encoding)]


def _fits(text: str, encoding: str) -> bool:
    """Whether a text can be a cell."""
    if text.isascii() or len(text) > _LONGEST or any(c in text for c in '\n\r\t",'):
        return False
    try:
        return text.encode(encoding).decode(encoding) == text
    except UnicodeError:
        return False


def right(texts: list[str], encoding: str) -> bool:
    """Whether a file of these cells is read as it was written under what is offered."""
    written = "id,value\n" + "".join(f"{i},{text}\n" for i, text in enumerate(texts))
    offered = detect(written.encode(encoding))
    try:
        return offered is not None and written.encode(encoding).decode(offered) == written
    except UnicodeDecodeError:
        return False


def main() -> None:
    """Draw files and print the shares that are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=300)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    print("| encoding | texts | cells | " + " | ".join(f"{k} cells" for k in SIZES) + " |")
    print("|---|---|--:|" + "--:|" * len(SIZES))
    for encoding in LANGUAGES:
        for source in SOURCES:
            known = cells(source, encoding)
            if len(known) < 2 * max(SIZES):
                continue
            shares = [
                np.mean([right([known[i] for i in rng.choice(len(known), k, replace=False)], encoding)
                         for _ in range(asked.files)])
                for k in SIZES
            ]  # fmt: skip
            print(f"| {encoding} | {source} | {len(known):,} | " + " | ".join(f"{s:.1%}" for s in shares) + " |")


if __name__ == "__main__":
    main()
