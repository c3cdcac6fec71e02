"""Build the compiled modules when Cython and a C compiler are at hand, else an interpreted install.

FASTZT_SKIP_CYTHON=1     build no compiled module
FASTZT_REQUIRE_CYTHON=1  any error while compiling is fatal
FASTZT_CFLAGS="-O1"      replaces the optimisation flags (development builds)
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext, customize_compiler, new_compiler

# The one list of compiled modules: each is a .py with an augmenting .pxd beside it.
COMPILED = {
    "_core": [
        "armor",
        "assembler",
        "checksum",
        "datagram_batch",
        "endpoint",
        "ethernet",
        "fragment",
        "gmac_siv",
        "ipv4",
        "ipv6",
        "mutex",
        "packet",
        "poly1305",
        "ring_buffer",
        "salsa20",
        "segment_queue",
        "seqnum",
        "slab",
        "stats",
        "tcp_header",
        "timer_wheel",
        "udp_header",
        "udp_socket",
    ],
    "identity": [
        "proof_of_work",
    ],
    "api": [
        "passed_socket",
        "stream",
    ],
    "api.aio": [
        "conduit",
    ],
    "io": [
        "attempt",
        "bridge",
        "clock",
        "endpoints",
        "locked_core",
        "loop_engine",
        "poller",
        "pump",
        "spin",
        "threaded",
        "waiter",
        "watch",
    ],
    "netstack": [
        "egress",
        "emitter",
        "flow_table",
        "host",
        "ingress",
        "socket_table",
        "stack",
        "window_budget",
    ],
    "netstack.tcp": [
        "arrival",
        "connection",
        "control",
        "half_open",
        "output",
        "pacer",
        "picker",
        "receiver",
        "recovery",
        "rtt",
        "sampler",
        "segment",
        "sender",
        "spurious",
        "state",
        "time_wait",
        "timers",
    ],
    "netstack.tcp.congestion": [
        "base",
        "bbr",
        "bbr_control",
        "bbr_model",
        "cubic",
        "hystart",
        "max_filter",
        "newreno",
        "sample",
    ],
    "node": [
        "adapter",
        "core",
        "verbs",
    ],
    "vl1": [
        "defragmenter",
        "id_source",
        "outbox",
        "path",
        "peer",
        "recent_ids",
        "sink",
        "switch",
        "switchboard",
        "timed",
        "transmitter",
    ],
    "vl2": [
        "claims",
        "credentials_push",
        "evaluator",
        "frame_context",
        "member",
        "network",
        "network_state",
        "networks",
        "program",
        "sink",
    ],
}

SOURCE = Path("src/fastzt")
KERNELS = SOURCE / "_core" / "kernels"
SKIP = os.environ.get("FASTZT_SKIP_CYTHON", "") not in ("", "0")
REQUIRE = os.environ.get("FASTZT_REQUIRE_CYTHON", "") not in ("", "0")
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}


def module_files() -> list[tuple[str, Path]]:
    """Dotted name and source file of each compiled module."""
    return [
        (f"fastzt.{package}.{name}", SOURCE / package.replace(".", "/") / f"{name}.py")
        for package, names in COMPILED.items()
        for name in names
    ]


def extensions() -> list[Extension]:
    """The Cython extensions, or none when the build is interpreted."""
    if SKIP:
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        if REQUIRE:
            raise
        interpreted("Cython is not installed")
        return []
    try:
        try_compiler()
    except Exception as error:
        if REQUIRE:
            raise
        interpreted(f"there is no working C compiler ({error})")
        return []
    flags = os.environ.get("FASTZT_CFLAGS", "/O2" if sys.platform == "win32" else "-O3").split()
    headers = sorted(str(path) for path in KERNELS.glob("*.h"))
    built = [
        Extension(
            name,
            [str(path)],
            include_dirs=[str(KERNELS)],
            depends=headers,
            extra_compile_args=flags,
            # Lets a header tell the module that it is the kernel of from those that need its types only.
            define_macros=[(f"FT_MODULE_{path.stem.upper()}", "1")],
        )
        for name, path in module_files()
    ]
    return list(cythonize(built, compiler_directives=DIRECTIVES, nthreads=os.cpu_count() or 1, quiet=True))


def try_compiler() -> None:
    """Compile a line that needs Python's headers; raises what the compiler does.

    Before Cython begins: translating all modules takes minutes, and would be for nothing.
    """
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "try.c"
        source.write_text("#include <Python.h>\n")
        compiler = new_compiler()
        customize_compiler(compiler)
        include = sysconfig.get_path("include")
        compiler.compile([str(source)], output_dir=directory, include_dirs=[include])


def interpreted(reason: str) -> None:
    print(f"fastzt: {reason}; this is an interpreted install (slower, same behaviour)", file=sys.stderr)


class AllOrNothing(build_ext):
    """Compile every module or none: compiled modules share C structures, so a part of them is of no use."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            if REQUIRE:
                raise
            self.discard()
            interpreted(f"the compiled modules could not be built ({error})")

    def discard(self) -> None:
        for name, source in module_files():
            built = Path(self.get_ext_fullpath(name))
            for path in (built, source.with_name(built.name)):
                path.unlink(missing_ok=True)
        self.extensions = []


setup(ext_modules=extensions(), cmdclass={"build_ext": AllOrNothing})
