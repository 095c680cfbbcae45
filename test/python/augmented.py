"""What timm's operations, which are PIL's, and PIL's crop and resize make of photographs.

Reads [{"file", "flipped", "augmentations": [{"kind", "amount", "interpolation"}], "fill", "crop", "size"}] from stdin. Prints
for each the view's RGB bytes, [size, size, 3], in base64.
"""
import base64
import json
import sys

from PIL import Image, ImageOps
from timm.data.auto_augment import NAME_TO_OP

NAMES = {
    "autoContrast": "AutoContrast",
    "equalize": "Equalize",
    "invert": "Invert",
    "posterize": "Posterize",
    "solarize": "Solarize",
    "solarizeAdd": "SolarizeAdd",
    "saturation": "Color",
    "contrast": "Contrast",
    "brightness": "Brightness",
    "sharpness": "Sharpness",
    "rotate": "Rotate",
    "shearX": "ShearX",
    "shearY": "ShearY",
    # Those that take pixels, as the recipe does.
    "translateX": "TranslateX",
    "translateY": "TranslateY",
}
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def augmented(image, step, fill):
    operation = NAME_TO_OP[NAMES[step["kind"]]]
    given = [step["amount"]] if "amount" in step else []
    if step["kind"] == "posterize" and given == [0]:
        return Image.new("RGB", image.size)
    if "interpolation" in step:
        return operation(image, *given, fillcolor=tuple(fill), resample=FILTERS[step["interpolation"]])
    return operation(image, *given)


def view(recipe):
    image = Image.open(recipe["file"]).convert("RGB")
    if recipe["flipped"]:
        image = ImageOps.mirror(image)
    for step in recipe["augmentations"]:
        image = augmented(image, step, recipe["fill"])
    crop, size = recipe["crop"], recipe["size"]
    right, bottom = crop["left"] + crop["width"], crop["top"] + crop["height"]
    cropped = image.crop((crop["left"], crop["top"], right, bottom))
    # The rows first, which Pillow 13 does only where that is faster: its order changes some values by a level.
    rows = cropped.resize((size, crop["height"]), Image.Resampling.BICUBIC)
    made = rows.resize((size, size), Image.Resampling.BICUBIC)
    return base64.b64encode(made.tobytes()).decode()


print(json.dumps([view(recipe) for recipe in json.load(sys.stdin)]))
