"""What pyarrow, NumPy and safetensors find in a file of features.

Reads {"file"} from stdin. Prints {"features": {name: rows}, "paths": [...], "labels": [...]}; paths and labels are null where
the file holds none.
"""
import json
import sys
from pathlib import Path

file = Path(json.load(sys.stdin)["file"])
found = {"paths": None, "labels": None}
if file.suffix == ".parquet":
    import pyarrow.parquet

    columns = pyarrow.parquet.read_table(file).to_pydict()
    found = {"paths": columns.pop("path"), "labels": columns.pop("label"), "features": columns}
elif file.suffix == ".npy":
    import numpy

    found["features"] = {"": numpy.load(file, mmap_mode="r").tolist()}
else:
    from safetensors.numpy import load_file

    tensors = {name: tensor.tolist() for name, tensor in load_file(file).items()}
    found["labels"] = tensors.pop("labels")
    found["features"] = tensors
print(json.dumps(found))
