"""What TensorBoard's own reader finds in a folder of event files.

Reads {"folder"} from stdin. Prints {"scalars": {tag: [[step, value], ...]}, "records": number of whole records in all files}.
"""
import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

folder = json.load(sys.stdin)["folder"]
read = EventAccumulator(folder, size_guidance={"scalars": 0}).Reload()
scalars = {
    tag: [[event.step, event.value] for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]
}
files = sorted(Path(folder).iterdir())
records = sum(len(list(LegacyEventFileLoader(str(file)).Load())) for file in files)
print(json.dumps({"scalars": scalars, "records": records}))
