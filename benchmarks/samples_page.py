"""docs/samples.md, from what `priors.py` has measured."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GUESSES = Path(__file__).parent / "results" / "real_or_drawn.json"


def page(results: dict, models: Mapping[str, Any]) -> str:
    """docs/samples.md."""
    lines = [
        "# Samples",
        "",
        "What each generative model draws: the first 64 images of a fixed seed, none chosen. "
        "Models that take a label were asked for the classes in turn, from left to right: 0 to 9, "
        "or A to Z. "
        "`python benchmarks/priors.py` trains them all, in minutes each, and writes this page.",
        "",
        "The Fréchet distance is between features of the test images (10,000, of letters 1,612) "
        "and of 10,000 drawn ones, from the last hidden layer of a small classifier of our own: "
        "it compares lines of one table, and with no figure of another network. *Floor* is that of "
        "the "
        "reconstructions of the test images, which no prior over the codes of the same "
        "autoencoder is likely to fall far below. Precision is how many samples look like real "
        "images, recall how much of the real images they cover (of 2,000 each). *Right* is the "
        "share of samples that the classifier takes for what was asked for. *VAE that comes "
        'trained* is `load_pretrained("mnist-variational")`, and its diffusion model '
        '`load_pretrained("mnist-variational-prior")`; likewise `letters-convolutional` and '
        "`mnist-vector-quantized`.",
    ]
    names = {
        "mnist": "MNIST",
        "letters": "Letters of 308 typefaces",
        "cifar": "JPEG copies of CIFAR-10",
    }
    for data, title in names.items():
        known = {n: r for n, r in results.items() if n.startswith(f"{data}/")}
        if not known:
            continue
        first = next(iter(known.values()))
        lines += [
            "",
            f"## {title}",
            "",
            f"The classifier is right on {first['accuracy of the classifier']:.1%} of the test "
            f"images. As many training images are at a distance of "
            f"{first['distance of training images']:.2f}.",
            "",
            "| model | Fréchet distance | floor | precision | recall | right |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for name, model in models.items():
            if name in known:
                r = known[name]
                right = f"{r['right class']:.1%}" if "right class" in r else ""
                lines.append(
                    f"| {model.title} | {r['distance']:.2f} | "
                    f"{r['distance of reconstructions']:.2f} | {r['precision']:.2f} | "
                    f"{r['recall']:.2f} | {right} |"
                )
        lines += ["", verdict(known, models)] if verdict(known, models) else []
        for name, model in models.items():
            if name in known:
                picture = f"samples/{name.replace('/', '-')}.png"
                said = f"{title}, {model.title}: `{model.snippet}`"
                lines += ["", f"![{title}: {model.title}]({picture})", "", f"*{said}*"]
    waiting = [name for name in models if name not in results]
    if waiting:
        names = ", ".join(f"`{name}`" for name in waiting)
        lines += ["", "## Not drawn yet", "", f"Of the models of the script: {names}."]
    lines += guessing()
    wrapped = [
        x
        if x.endswith("<br>") or x.startswith(("|", "#", "!", "*MNIST", "*JPEG", "*Letters", "<"))
        else fill(x)
        for x in lines
    ]
    return "\n".join(wrapped) + "\n"


def guessing() -> list[str]:
    """Sheets of real and drawn images, and how somebody told them apart."""
    if not GUESSES.exists():
        return []
    lines = [
        "",
        "## Real or drawn?",
        "",
        "On each sheet half of the images are real ones of the test set, and half were drawn. Try "
        "it yourself before you open the answer.",
    ]
    for name, sheet in json.loads(GUESSES.read_text()).items():
        key = " ".join(sheet["key"]).split()
        right = [
            sum(a == b for a, b in zip(" ".join(guess).split(), key, strict=True))
            for guess in sheet["guesses"]
        ]
        said = " and ".join(f"{count} of {len(key)}" for count in right)
        lines += [
            "",
            f"![{sheet['title']}](samples/mixed-{name}.png)",
            "",
            f"*{sheet['title']}: `{sheet['command']}`*",
            "",
            f"A reader who was told no more than this got {said} right; guessing blindly gives "
            f"{len(key) // 2} on average.",
            "",
            "<details><summary>The answer, row by row</summary>",
            "",
            *(f"{row}<br>" for row in sheet["key"]),
            "",
            "</details>",
        ]
    return lines


def fill(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def verdict(known: dict, models: Mapping[str, Any]) -> str:
    """The best prior beside the best VAE's own."""
    plain = {n: r["distance"] for n, r in known.items() if "/variational" in n}
    learned = {
        n: r["distance"]
        for n, r in known.items()
        if n.rpartition("/")[2].split("-")[0] in ("diffusion", "transformer", "pixelcnn")
    }
    if not plain or not learned:
        return ""
    best, usual = min(learned, key=learned.__getitem__), min(plain, key=plain.__getitem__)
    ratio = learned[best] / plain[usual]
    return (
        f"The aim was half the distance of the best VAE's own prior ({models[usual].title}, "
        f"{plain[usual]:.2f}) or less. The best learned prior, {models[best].title}, is at "
        f"{learned[best]:.2f}, {ratio:.0%} of it: the aim is {'met' if ratio <= 0.5 else 'missed'}."
    )
