"""What cuobjdump, which comes with CUDA, tells of compiled kernels: for kernel_table and mma_table."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

USAGE = re.compile(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")
# From Hopper on, so much of a block's shared memory belongs to the system; it is counted for some
# kernels only.
SYSTEM_SHARED = 1024


def fail(text):
    print(text, file=sys.stderr)
    sys.exit(2)


# By scripts/setup --cuda.
FETCHED = str(Path(__file__).resolve().parent.parent / "build/cuda/toolkit/bin/cuobjdump")


def find_cuobjdump():
    given = os.environ.get("CUOBJDUMP")
    for name in (given,) if given else ("cuobjdump", "/usr/local/cuda/bin/cuobjdump", FETCHED):
        if shutil.which(name):
            return name
    fail("There is no cuobjdump. It comes with CUDA, with scripts/setup --cuda where that fetches nvcc, and with "
         "NVIDIA's Python package nvidia-cuda-cuobjdump (nvidia-cuda-nvdisasm beside it); the variable CUOBJDUMP names it.")


def output_of(*command, given=None):
    # cuobjdump looks for nvdisasm, which lies beside it, in PATH.
    path = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", "")))
    done = subprocess.run(command, input=given, capture_output=True, text=True, env={**os.environ, "PATH": path})
    if done.returncode:
        fail(f"{' '.join(command)}: {done.stderr.strip() or 'exit code ' + str(done.returncode)}")
    return done.stdout


def readable(names):
    """Short names of mangled ones: no namespaces, no parameters."""
    plain = output_of("c++filt", given="\n".join(names))
    plain = re.sub(r"\(anonymous namespace\)::|tweed::|cuda::|^void ", "", plain, flags=re.M)
    # Parameters begin after the template's arguments, which may have parentheses of their own.
    return {name: re.sub(r"^(\w+(<.*>)?)\(.*", r"\1", text)
            for name, text in zip(names, plain.splitlines())}


def usage_of(cuobjdump, file):
    """(architecture, mangled name) -> (registers, stack, shared, local)."""
    found, architecture, name = {}, None, None
    for line in output_of(cuobjdump, "--dump-resource-usage", str(file)).splitlines():
        words = line.split()
        if line.startswith("arch = "):
            architecture = words[2]
        elif words[:1] == ["Function"]:
            name = words[1].rstrip(":")
        elif match := USAGE.search(line):
            registers, stack, shared, local = map(int, match.groups())
            if int(re.search(r"\d+", architecture)[0]) >= 90:
                shared = max(0, shared - SYSTEM_SHARED)
            found[architecture, name] = (registers, stack, shared, local)
    return found


def nvcc_of(build):
    cache = (build / "CMakeCache.txt").read_text()
    return re.search(r"TWEED_NVCC:FILEPATH=(.*)", cache)[1]


def nvcc_version(build):
    return re.search(r"release ([\d.]+)", output_of(nvcc_of(build), "--version"))[1]


def objects_of(build):
    """The compiled files of kernels for the GPU, by name: conv/mma for kernels/conv/mma.cu."""
    files = build.rglob("kernels_cuda.dir/**/*.cu.o")
    # CMake writes "__" for each folder that the source lies above the list which names it.
    named = {re.sub(r".*/kernels_cuda\.dir/(__/)*|\.cu\.o$", "", file.as_posix()): file
             for file in files}
    if not named:
        fail(f"{build} holds no kernels for the cuda machine: configure one with -DTWEED_CUDA=ON "
             "-DCMAKE_CUDA_ARCHITECTURES='80-real;90a-real', and build its target tweed_kernels.")
    return dict(sorted(named.items()))
