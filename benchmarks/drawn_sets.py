"""Draw the glyphs of `load_images("letters")` and `load_images("emoji")` from free fonts.

    python benchmarks/drawn_sets.py FOLDER

FOLDER gets the packages of Debian that are named here (`apt-get download`, then `dpkg -x`), which
needs a network and a Debian; what is there already is kept. Writes into kerasae/data/drawn: a sheet
of letters, a row for each font; a sheet of emoji; and fonts.json, which says where each row is
from. The pictures are renderings: the licences of fonts leave what is drawn with them free.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont

OUT = Path(__file__).resolve().parents[1] / "kerasae" / "data" / "drawn"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIZE, BODY = 28, 22  # pixels of an image, and of the largest side of its letters
GREYS = 16  # levels, which is less than the eye sees at this size, and half the bytes
FAINTEST = 0.4  # that the brightest pixel of a letter may be; hairlines vanish at this size
STYLES = 4  # of a family at most, or one with 48 would be a tenth of the set
BIG = 320  # pixels of the height at which glyphs are drawn before they are made small
EMOJI_SIZE = 32

OFL, APACHE = "OFL-1.1", "Apache-2.0"
_UNDER_OFL = """
allerta anonymous-pro apropal arapey averia-gwf averia-sans-gwf averia-serif-gwf b612 bajaderka
bebas-neue blankenburg breip bwht cabin cabinsketch cantarell cardo cherrybomb cmu comfortaa
comic-neue compagnon courier-prime crosextra-carlito dancingscript dosis ebgaramond elstob
eurofurence fantasque-sans ferrite-core firacode gamaliel georgewilliams gotico-antiqua havana
humor-sans inconsolata inter junction junicode karla karmilla kaushanscript klaudia-berenika
kristi lato le-murmure league-mono league-spartan leckerli-one lemonada linuxlibertine lobster
lobstertwo manrope millimetre monofur play quattrocento quicksand radisnoir sil-andika
sil-charis sil-gentium-basic solide-mirage sora vollkorn yanone-kaffeesatz yrsa-rasa
"""
# Package -> licence of the font files, as its copyright file has it.
PACKAGES = {
    **dict.fromkeys(_UNDER_OFL.split(), OFL),
    **dict.fromkeys(["crosextra-caladea", "open-sans", "roboto-slab", "jetbrains-mono"], APACHE),
    **dict.fromkeys(["goudybookletter", "prociono"], "public domain"),
    **dict.fromkeys(["fanwood", "lindenhill"], "MIT"),
    "tuffy": "public domain",
    "fantasma": "WTFPL-2",
}
EMOJI = "noto-color-emoji"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for package in (*PACKAGES, EMOJI):
        fetch(f"fonts-{package}", folder)
    OUT.mkdir(exist_ok=True)
    rows, fonts = letters(folder)
    sheet = Image.fromarray(np.concatenate(rows))
    sheet.save(OUT / "letters.webp", lossless=True, quality=100, method=6)
    tiles, groups = emoji(folder)
    save_tiles(tiles, OUT / "emoji.webp")
    story = {"letters": fonts, "emoji": [{"group": g, "code": c} for g, c in groups]}
    (OUT / "fonts.json").write_text(json.dumps(story, indent=0) + "\n", encoding="utf-8")
    for name in ("letters.webp", "emoji.webp", "fonts.json"):
        print(f"{name}: {(OUT / name).stat().st_size / 1000:.0f} kB")
    print(f"{len(rows)} fonts, {len(tiles)} emoji: {Counter(g for g, _ in groups)}")


def fetch(package: str, folder: Path) -> None:
    """Unpack a package of Debian, unless it is there."""
    place = folder / package
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True)
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg", "-x", archive, place], check=True)


def letters(folder: Path) -> tuple[list[np.ndarray], list[dict[str, str]]]:
    """A strip of 26 letters for each font that has them, and where it is from."""
    rows, fonts, seen = [], [], set()
    for package, licence in sorted(PACKAGES.items()):
        files = [
            p for kind in ("ttf", "otf") for p in (folder / f"fonts-{package}").rglob(f"*.{kind}")
        ]
        for family in group(files).values():
            chosen = np.unique(np.linspace(0, len(family) - 1, STYLES).round().astype(int))
            for name, path in [family[i] for i in chosen]:
                row = strip(path)
                if row is None or row.tobytes() in seen or name in {f["name"] for f in fonts}:
                    continue
                seen.add(row.tobytes())
                rows.append(row)
                fonts.append({"name": name, "package": f"fonts-{package}", "licence": licence})
    return rows, fonts


def group(files: list[Path]) -> dict[str, list[tuple[str, Path]]]:
    """Files by family, each family by weight; variable and special fonts left out."""
    families: dict[str, list[tuple[float, str, Path]]] = {}
    for path in sorted(filter(Path.is_file, files)):  # some are links to other packages
        try:
            font = TTFont(path, lazy=True)
        except TTLibError:
            continue
        family = font["name"].getBestFamilyName() or path.stem
        style = font["name"].getBestSubFamilyName() or "Regular"
        unwanted = r"symbol|math|ornament|initial|capitals|small.?cap|dings|wide|SC\b|Caps\b"
        if "fvar" in font or re.search(unwanted, f"{family} {style} {path.stem}", re.IGNORECASE):
            continue
        if not {ord(c) for c in LETTERS + "a"} <= set(font.getBestCmap() or ()):
            continue
        weight = font["OS/2"].usWeightClass + 0.5 * bool(
            re.search("ital|obli", style, re.IGNORECASE)
        )
        families.setdefault(family, []).append((weight, f"{family} {style}", path))
    return {f: [(name, path) for _, name, path in sorted(found)] for f, found in families.items()}


def strip(path: Path) -> np.ndarray | None:
    """The letters of a font side by side, uint8 (28, 26 * 28), white on black; None if it fails."""
    font = ImageFont.truetype(path, BIG)
    boxes = [font.getbbox(letter) for letter in LETTERS]
    heights = [bottom - top for _, top, _, bottom in boxes]
    if min(heights) < BIG / 20 or any(right - left < 4 for left, _, right, _ in boxes):
        return None
    top, bottom = (float(np.median([box[i] for box in boxes])) for i in (1, 3))  # of its capitals
    tiles = []
    for letter, (left, up, right, down) in zip(LETTERS, boxes, strict=True):
        scale = min(BODY / (bottom - top), (SIZE - 2) / (right - left), (SIZE - 2) / (down - up))
        side = round(SIZE / scale)
        canvas = Image.new("L", (side, side))
        # Capitals stand on one line; what hangs below or stands out moves them only if it must.
        y = (side - (top + bottom)) / 2
        y = min(max(y, side / SIZE - up), side - side / SIZE - down)
        x = (side - (left + right)) / 2
        ImageDraw.Draw(canvas).text((x, y), letter, fill=255, font=font)
        small = np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.BOX), float) / 255
        tiles.append(np.round(small * (GREYS - 1)) * (255 // (GREYS - 1)))
    too_thin = min(tile.max() for tile in tiles) < FAINTEST * 255
    if too_thin or len({tile.tobytes() for tile in tiles}) < len(LETTERS):
        return None
    return np.concatenate(tiles, axis=1).astype(np.uint8)


# --- Emoji ------------------------------------------------------------------------------------

TONES = range(0x1F3FB, 0x1F400)
FACES = [*range(0x1F600, 0x1F645), *range(0x1F910, 0x1F918), 0x1F920, *range(0x1F923, 0x1F926)]
FACES += [
    *range(0x1F927, 0x1F930),
    0x1F970,
    *range(0x1F973, 0x1F97B),
    0x1F9D0,
    *range(0x1FAE0, 0x1FAE9),
]
PEOPLE = [*range(0x1F466, 0x1F46A), 0x1F46E, *range(0x1F470, 0x1F479), 0x1F47C, 0x1F482, 0x1F385]
PEOPLE += [*range(0x1F934, 0x1F937), *range(0x1F9D1, 0x1F9D6), *range(0x1F9D9, 0x1F9DE)]
OF_MEN_AND_WOMEN = [0x1F9B0, 0x1F9B1, 0x1F9B2, 0x1F9B3, 0x1F33E, 0x1F373, 0x1F393, 0x1F3A4, 0x1F3A8]
OF_MEN_AND_WOMEN += [0x1F3EB, 0x1F3ED, 0x1F4BB, 0x1F4BC, 0x1F527, 0x1F52C, 0x1F680, 0x1F692]
ANIMALS = [*range(0x1F400, 0x1F440), *range(0x1F980, 0x1F9AF)]
FOOD = [*range(0x1F32D, 0x1F330), *range(0x1F345, 0x1F380), *range(0x1F950, 0x1F970)]
JOINER = 0x200D


def emoji(folder: Path) -> tuple[list[np.ndarray], list[tuple[str, str]]]:
    """Emoji on white, uint8 (32, 32, 3), without copies; the group and the code of each.

    The code leaves out the tone of the skin: a person in five of them is one drawing.
    """
    (path,) = (folder / f"fonts-{EMOJI}").rglob("*.ttf")
    font = TTFont(path)
    strike, glyph_of = font["CBDT"].strikeData[0], sequences(font)
    people = [(p, *tone) for p in PEOPLE for tone in [(), *((t,) for t in TONES)]]
    people += [
        (person, *tone, JOINER, thing)
        for thing in OF_MEN_AND_WOMEN
        for person in (0x1F468, 0x1F469)
        for tone in [(), *((t,) for t in TONES)]
    ]
    wanted = {"face": [(f,) for f in FACES], "person": people}
    wanted |= {"animal": [(a,) for a in ANIMALS], "food": [(f,) for f in FOOD]}
    tiles, groups, seen = [], [], set()
    for group_name, found in wanted.items():
        for sequence in found:
            name = glyph_of.get(sequence)
            if name not in strike or name in seen:
                continue
            seen.add(name)
            tiles.append(tile(strike[name].imageData))
            bare = [code for code in sequence if code not in TONES]
            groups.append((group_name, " ".join(f"{code:X}" for code in bare)))
    return tiles, groups


def sequences(font: Any) -> dict[tuple[int, ...], str]:
    """The glyph of each code point and of each ligature."""
    cmap = font.getBestCmap()
    found = {(code,): name for code, name in cmap.items()}
    code_of = {name: code for code, name in cmap.items()}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, ligatures in getattr(table, "ligatures", {}).items():
                for ligature in ligatures:
                    parts = [first, *ligature.Component]
                    if all(part in code_of for part in parts):
                        found[tuple(code_of[part] for part in parts)] = ligature.LigGlyph
    return found


def tile(png: bytes) -> np.ndarray:
    """A bitmap of the font, its middle square on white, made small."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    left = (picture.width - picture.height) // 2
    square = white.convert("RGB").crop((left, 0, left + picture.height, picture.height))
    return np.asarray(square.resize((EMOJI_SIZE, EMOJI_SIZE), Image.Resampling.BOX))


def save_tiles(tiles: list[np.ndarray], path: Path, across: int = 32) -> None:
    """One sheet, filled up with white."""
    missing = -len(tiles) % across
    whole = np.stack([*tiles, *[np.full_like(tiles[0], 255)] * missing])
    rows = whole.reshape(-1, across, *whole.shape[1:]).transpose(0, 2, 1, 3, 4)
    sheet = Image.fromarray(rows.reshape(-1, across * EMOJI_SIZE, 3))
    sheet.save(path, lossless=True, quality=100, method=6)


if __name__ == "__main__":
    main()
