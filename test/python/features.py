"""Features of exported backbones in the libraries that they are for.

Reads jobs from stdin, a JSON list of {"folder", "through", "images", "shape"}: `images` is a file of little-endian float32
values. `through` says how the folder is loaded: "load.py" (the snippet of the model card) or "hub" (as the library itself
loads a folder, which is how it loads what was uploaded). Prints a JSON list of {name: {"shape", "values" (base64)}}.
"""
import base64
import json
import runpy
import sys
from pathlib import Path

import numpy as np


def through_snippet(folder, images):
    loaded = runpy.run_path(str(folder / "load.py"))
    if "session" in loaded:
        import onnx

        onnx.checker.check_model(str(folder / "model.onnx"), full_check=True)
        return loaded["features"](images)
    if "weights" in loaded:
        return loaded["weights"]
    import torch

    return {name: value.numpy() for name, value in loaded["features"](torch.from_numpy(images)).items()}


def through_hub(folder, images):
    import torch

    with torch.inference_mode():
        if "architecture" in json.loads((folder / "config.json").read_text()):
            import timm

            model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
            return {"cls": model(torch.from_numpy(images)).numpy()}
        from transformers import AutoImageProcessor, AutoModel

        model, report = AutoModel.from_pretrained(folder, output_loading_info=True)
        wrong = {name: sorted(keys) for name, keys in report.items() if keys}
        if wrong:
            raise SystemExit(f"{folder}: transformers says {wrong}")
        processor = AutoImageProcessor.from_pretrained(folder)
        height, width = images.shape[2:]
        grey = np.full((height, width, 3), 128, dtype=np.uint8)
        pixels = processor(images=grey, return_tensors="np")["pixel_values"]
        cls = model.eval()(pixel_values=torch.from_numpy(images)).pooler_output.numpy()
        return {"cls": cls, "grey": np.asarray(pixels)}


def answer(job):
    images = np.fromfile(job["images"], dtype="<f4").reshape(job["shape"])
    through = through_hub if job["through"] == "hub" else through_snippet
    values = through(Path(job["folder"]), images)
    return {
        name: {
            "shape": list(array.shape),
            "values": base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode(),
        }
        for name, array in values.items()
    }


print(json.dumps([answer(job) for job in json.load(sys.stdin)]))
