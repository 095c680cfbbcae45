"""Writes augmentations.safetensors: what timm's operations, which are PIL's, make of two small images.

A tensor's name says what was done: `IMAGE/OPERATION`, `IMAGE/OPERATION_AMOUNT` or `IMAGE/OPERATION_AMOUNT_FILTER`;
the images themselves are `IMAGE`. The versions of the libraries stand in the file's metadata. Run with the Python of
test/python/set-up, a photograph as its argument.
"""
import sys
from pathlib import Path

import numpy
import PIL
import timm
from PIL import Image
from safetensors.numpy import save_file
from timm.data.auto_augment import NAME_TO_OP

FILL = (124, 116, 104)
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
ENHANCE = [0.1, 0.19, 0.55, 1, 1.45, 1.81, 1.9]
PLAIN = {
    "AutoContrast": [None],
    "Equalize": [None],
    "Invert": [None],
    # 0 bits, black, is refused by Pillow 13.
    "Posterize": [1, 2, 4],
    "Solarize": [0, 26, 128, 256],
    "SolarizeAdd": [0, 44, 99, 110],
    "Color": ENHANCE,
    "Contrast": ENHANCE,
    "Brightness": ENHANCE,
    "Sharpness": ENHANCE,
}
WARPS = {
    "Rotate": [0, -3.3, 27, -30],
    "ShearX": [0.27, -0.3],
    "ShearY": [0.27, -0.3],
    # Shares of the side.
    "TranslateXRel": [0.165, -0.4],
    "TranslateYRel": [0.16, -0.405],
}


def cases(image):
    for operation, amounts in PLAIN.items():
        for amount in amounts:
            given = [] if amount is None else [amount]
            yield "_".join([operation, *map(str, given)]), NAME_TO_OP[operation](image, *given)
    for operation, amounts in WARPS.items():
        for amount in amounts:
            for name, resample in FILTERS.items():
                warped = NAME_TO_OP[operation](image, amount, fillcolor=FILL, resample=resample)
                yield f"{operation}_{amount}_{name}", warped


def images(photograph):
    # Values from 30 to 219, so that automatic contrast has something to do.
    small = Image.open(photograph).convert("RGB").resize((45, 31), Image.Resampling.BICUBIC)
    yield "photo", small.point(lambda value: 30 + value * 189 // 255)
    noise = numpy.random.default_rng(1).integers(0, 256, (23, 19, 3), dtype=numpy.uint8)
    yield "noise", Image.fromarray(noise)


tensors = {}
for name, image in images(sys.argv[1]):
    tensors[name] = numpy.asarray(image)
    for case, changed in cases(image):
        tensors[f"{name}/{case}"] = numpy.asarray(changed)
versions = {"pillow": PIL.__version__, "timm": timm.__version__}
save_file(tensors, Path(__file__).with_suffix(".safetensors"), metadata=versions)
print(len(tensors), versions)
