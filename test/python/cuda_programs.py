"""What NVRTC makes of the texts of CUDA kernels. No GPU is needed. (A file kernels.py here would pass for the package of that name.)

Reads {"folder", "programs": [{"files", "macros": {name: value}, "architecture": 90}, ...]} from stdin. A program is these files
of the folder, one behind the other, as the engine compiles them. Prints {"architectures": those that this NVRTC knows, "programs":
[{"error": its log or null, "kernels": {name: {"registers", "spilledBytes"}}}, ...]}.
"""
import ctypes
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

# The second asks for the first by name alone: where it looks, there is none, unless it is loaded already.
LIBRARIES = [re.compile(r"libnvrtc-builtins\.so\.[\d.]+$"), re.compile(r"libnvrtc\.so\.\d+$")]
KERNEL = re.compile(r"Compiling entry function '(\w+)'")
SPILLED = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"Used (\d+) registers")


def library():
    files = metadata.files("nvidia-cuda-nvrtc")
    for name in LIBRARIES:
        (path,) = [file.locate() for file in files if name.match(file.name)]
        loaded = ctypes.CDLL(str(path))
    return loaded


def checked(result):
    if result != 0:
        nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
        raise RuntimeError(f"NVRTC: {nvrtc.nvrtcGetErrorString(result).decode()}")


def architectures():
    count = ctypes.c_int()
    checked(nvrtc.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
    known = (ctypes.c_int * count.value)()
    checked(nvrtc.nvrtcGetSupportedArchs(known))
    return list(known)


def compiled(program):
    text = "\n".join((folder / name).read_text() for name in program["files"])
    options = [f"--gpu-architecture=sm_{program['architecture']}", "-std=c++17", "--ptxas-options=-v"]
    options += [f"-D{name}={value}" for name, value in program["macros"].items()]
    words = [option.encode() for option in options]
    handle = ctypes.c_void_p()
    name = program["files"][-1].encode()
    checked(nvrtc.nvrtcCreateProgram(ctypes.byref(handle), text.encode(), name, 0, None, None))
    result = nvrtc.nvrtcCompileProgram(handle, len(words), (ctypes.c_char_p * len(words))(*words))
    size = ctypes.c_size_t()
    checked(nvrtc.nvrtcGetProgramLogSize(handle, ctypes.byref(size)))
    log = ctypes.create_string_buffer(size.value)
    checked(nvrtc.nvrtcGetProgramLog(handle, log))
    checked(nvrtc.nvrtcDestroyProgram(ctypes.byref(handle)))
    log = log.value.decode()
    return {"error": log if result != 0 else None, "kernels": kernels(log)}


def kernels(log):
    """ptxas tells of each kernel in turn: its name, what it spills, its registers."""
    found = {}
    for line in log.splitlines():
        if match := KERNEL.search(line):
            own = found.setdefault(match[1], {})
        elif match := SPILLED.search(line):
            own["spilledBytes"] = int(match[1]) + int(match[2])
        elif match := REGISTERS.search(line):
            own["registers"] = int(match[1])
    return found


asked = json.load(sys.stdin)
nvrtc = library()
folder = Path(asked["folder"])
with ThreadPoolExecutor(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()) as pool:
    programs = list(pool.map(compiled, asked["programs"]))
json.dump({"architectures": architectures(), "programs": programs}, sys.stdout)
