"""Prints the ratios of the runs that gpu.sh wrote: `compare.py results.jsonl`."""
import json
import sys

GIB = 2**30


def memory(ours):
    return (ours["peakDeviceBytes"] or ours["peakResidentBytes"]) / GIB


def row(result):
    reference, ours = result["reference"], result["ours"]
    name = f"{result['case']:<15}"
    if ours is None:
        return f"{name} ours failed"
    if reference is None:
        return f"{name} ours {text(ours)}; no number of the reference"
    speed = ours["imagesPerSecond"] / reference["images_per_s"]
    share = memory(ours) / reference["peak_gib"]
    return (
        f"{name} reference {reference['images_per_s']:.2f} images/s, {reference['peak_gib']:.2f} GiB; "
        f"ours {text(ours)}: {speed:.2f}x the speed, {share:.2f}x the memory"
    )


def text(ours):
    return (
        f"{ours['imagesPerSecond']:.2f} images/s, {memory(ours):.2f} GiB, {ours['precision']}, "
        f"{ours['teraOperationsPerSecond']:.2f} TFLOP/s = {100 * ours['shareOfPeak']:.0f} % of the matrix peak"
    )


for line in open(sys.argv[1], encoding="utf-8"):
    print(row(json.loads(line)))
