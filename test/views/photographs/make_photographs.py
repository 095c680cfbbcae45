"""Draws the photographs of this folder and writes views.json and, for each photograph, a PNG: what PIL makes of it by the
recipes of views.json, one view below the other. Run with Pillow 13.0 and numpy: python3 make_photographs.py

No real photographs: none was found whose licence suits the repository's. These have what matters for a decoder and a
resampler: shading, fine texture at every scale, sharp edges in saturated colours, blown highlights."""

import json
import os
import random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
SIDE = 64
VIEWS = 5


def texture(rng, height, width, power):
    """Noise whose amplitude falls with frequency, as in nature; mean 0, deviation 1."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    frequency = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
    spectrum = np.fft.fft2(rng.standard_normal((height, width))) / frequency**power
    values = np.real(np.fft.ifft2(spectrum))
    return (values - values.mean()) / values.std()


def photograph(seed, width, height):
    rng = np.random.default_rng(seed)
    base = 110 + 45 * texture(rng, height, width, 1.2)[..., None]
    tint = 25 * np.stack([texture(rng, height, width, 1.5) for _ in range(3)], -1)
    light = 60 * np.linspace(1, -0.5, height)[:, None, None]
    image = Image.fromarray((base + tint + light).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for colour in ["#d01010", "#f8f8f0", "#1040c0", "#101010", "#20a030", "#e8c020"]:
        x, y = rng.integers(0, width), rng.integers(0, height)
        a, b = rng.integers(8, width // 4, 2)
        draw.ellipse([x - a, y - b, x + a, y + b], outline=colour, width=int(rng.integers(1, 9)))
        draw.line([int(v) for v in (x, 0, rng.integers(0, width), height)], fill=colour, width=int(rng.integers(1, 5)))
    return image


def recipe(rng, width, height):
    area, ratio = width * height * rng.uniform(0.1, 0.9), rng.uniform(3 / 4, 4 / 3)
    w = min(width, round((area * ratio) ** 0.5))
    h = min(height, round((area / ratio) ** 0.5))
    steps = [{"kind": kind, "factor": rng.uniform(0.6, 1.4)} for kind in ("brightness", "contrast", "saturation")]
    steps.append({"kind": "hue", "shift": rng.uniform(-0.1, 0.1)})
    rng.shuffle(steps)
    return {
        "crop": {"top": rng.randrange(height - h + 1), "left": rng.randrange(width - w + 1), "height": h, "width": w},
        "size": SIDE,
        "flipped": rng.random() < 0.5,
        "jitter": steps if rng.random() < 0.8 else [],
        "grayscale": rng.random() < 0.2,
        "blurRadius": rng.uniform(0.1, 2) if rng.random() < 0.6 else 0,
        "solarizeThreshold": 128 if rng.random() < 0.3 else None,
    }


def jittered(view, step):
    if step["kind"] != "hue":
        kinds = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast, "saturation": ImageEnhance.Color}
        return kinds[step["kind"]](view).enhance(step["factor"])
    hue, saturation, value = view.convert("HSV").split()
    shifted = np.array(hue) + np.array(int(step["shift"] * 255)).astype(np.uint8)
    return Image.merge("HSV", (Image.fromarray(shifted), saturation, value)).convert("RGB")


def view(image, recipe):
    crop = recipe["crop"]
    box = (crop["left"], crop["top"], crop["left"] + crop["width"], crop["top"] + crop["height"])
    made = image.crop(box).resize((SIDE, SIDE), Image.BICUBIC)
    if recipe["flipped"]:
        made = made.transpose(Image.FLIP_LEFT_RIGHT)
    for step in recipe["jitter"]:
        made = jittered(made, step)
    if recipe["grayscale"]:
        made = made.convert("L").convert("RGB")
    if recipe["blurRadius"] > 0:
        made = made.filter(ImageFilter.GaussianBlur(recipe["blurRadius"]))
    if recipe["solarizeThreshold"] is not None:
        made = ImageOps.solarize(made, recipe["solarizeThreshold"])
    return made


def main():
    kinds = {
        "landscape.jpg": ((240, 180), {"quality": 92}),
        "portrait.jpg": ((150, 211), {"quality": 80, "subsampling": 0, "progressive": True}),
        "faded.jpg": ((201, 160), {"quality": 75, "subsampling": 1}),
    }
    recipes = {}
    for seed, (name, ((width, height), options)) in enumerate(kinds.items()):
        path = os.path.join(HERE, name)
        photograph(seed, width, height).save(path, **options)
        rng = random.Random(seed)
        recipes[name] = [recipe(rng, width, height) for _ in range(VIEWS)]
        strip = Image.new("RGB", (SIDE, SIDE * VIEWS))
        for index, one in enumerate(recipes[name]):
            strip.paste(view(Image.open(path).convert("RGB"), one), (0, SIDE * index))
        strip.save(path.replace(".jpg", ".png"), optimize=True)
    json.dump(recipes, open(os.path.join(HERE, "views.json"), "w"), indent=1)


main()
