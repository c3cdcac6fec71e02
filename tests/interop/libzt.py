"""The real libzt 1.8.4: its wheel found or downloaded, made loadable in this Python, its C API by ctypes.

Run as a program (`python libzt.py`) it prints whether the library loads.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

VERSION = "1.8.4"
DOWNLOAD = [
    "download",
    f"libzt=={VERSION}",
    "--no-deps",
    "--only-binary=:all:",
    "--python-version",
    "3.9",
    "--platform",
    "manylinux2010_x86_64",
]

# What the published shared object leaves undefined: the Linux routing helper, which was not linked in and
# which the user-space stack does not need, and a private function of CPython 3.9 that only its wrapper uses.
# Beside that it mends one thing: libzt takes IPv6 in without the lock of its stack, and soon loses a segment
# for good, or crashes. IPv4 it hands over as it should, and `input` here IPv6, too.
STAND_IN = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
void *library; /* its handle */
static int input(void *packet, void *netif) {
    int (*take)(void *, void *) = dlsym(library, "ethernet_input");
    int (*take_locked)(void *, void *, void *) = dlsym(library, "tcpip_inpkt");
    pthread_mutex_t **core = dlsym(library, "lock_tcpip_core");
    /* NDP emulation answers while the stack sends, in the same thread. */
    return (*core)->__data.__owner == gettid() ? take(packet, netif) : take_locked(packet, netif, take);
}
void *netif_add(void *netif, void *ip, void *mask, void *gateway, void *state, void *init, void *given) {
    void *(*add)(void *, void *, void *, void *, void *, void *, void *) = dlsym(library, "netif_add");
    void *taken = given == dlsym(library, "ethernet_input") ? (void *)input : given;
    return add(netif, ip, mask, gateway, state, init, taken);
}
void ctor(void *self) __asm__("_ZN8ZeroTier12LinuxNetLinkC1Ev");
void dtor(void *self) __asm__("_ZN8ZeroTier12LinuxNetLinkD1Ev");
void add_route(void *self) __asm__("_ZN8ZeroTier12LinuxNetLink8addRouteERKNS_11InetAddressES3_S3_PKc");
void del_route(void *self) __asm__("_ZN8ZeroTier12LinuxNetLink8delRouteERKNS_11InetAddressES3_S3_PKc");
void ctor(void *self) { (void)self; }
void dtor(void *self) { (void)self; }
void add_route(void *self) { (void)self; }
void del_route(void *self) { (void)self; }
void _PyTime_AsTimeval_noraise(void) { __builtin_trap(); }
"""

IPV4 = 2
IPV6 = 10
STREAM = 1
DATAGRAM = 2
BROADCAST = 0x0FFF, 0x20  # lwIP's SOL_SOCKET and SO_BROADCAST
ADDRESS_TEXT = 46  # what zts_accept and zts_addr_get_str insist on
READY = 1


class SocketAddress(ctypes.Structure):
    """zts_sockaddr_in: lwIP's, with a length in front of the family."""

    _fields_ = (
        ("length", ctypes.c_uint8),
        ("family", ctypes.c_uint8),
        ("port", ctypes.c_uint16 * 1),
        ("ip", ctypes.c_uint8 * 4),
        ("zero", ctypes.c_uint8 * 8),
    )

    @classmethod
    def of(cls, host: str, port: int) -> SocketAddress:
        """An IPv4 address and port."""
        made = cls(16, IPV4, (ctypes.c_uint16 * 1)(socket.htons(port)))
        made.ip[:] = socket.inet_aton(host)
        return made

    def pair(self) -> tuple[str, int]:
        """Host and port."""
        return socket.inet_ntoa(bytes(self.ip)), socket.ntohs(self.port[0])


class SocketAddress6(ctypes.Structure):
    """zts_sockaddr_in6."""

    _fields_ = (
        ("length", ctypes.c_uint8),
        ("family", ctypes.c_uint8),
        ("port", ctypes.c_uint16),
        ("flow", ctypes.c_uint32),
        ("ip", ctypes.c_uint8 * 16),
        ("scope", ctypes.c_uint32),
    )

    @classmethod
    def of(cls, host: str, port: int) -> SocketAddress6:
        """An IPv6 address and port."""
        made = cls(28, IPV6, socket.htons(port))
        made.ip[:] = socket.inet_pton(socket.AF_INET6, host)
        return made

    def pair(self) -> tuple[str, int]:
        """Host and port."""
        return socket.inet_ntop(socket.AF_INET6, bytes(self.ip)), socket.ntohs(self.port)


def family_of(host: str) -> int:
    """The family of an address."""
    return IPV6 if ":" in host else IPV4


def kind_of(family: int) -> type[SocketAddress] | type[SocketAddress6]:
    """The structure for addresses of a family."""
    return SocketAddress6 if family == IPV6 else SocketAddress


class Unavailable(Exception):
    """The library cannot be had here; the text says why."""


def cache() -> Path:
    """Where the wheel and what is made of it are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "fastzt-interop"


def wheel() -> Path:
    """The wheel: FASTZT_LIBZT_WHEEL, else downloaded once; raises Unavailable."""
    given = os.environ.get("FASTZT_LIBZT_WHEEL", "")
    if given:
        if not Path(given).is_file():
            raise Unavailable(f"FASTZT_LIBZT_WHEEL={given} is not a file")
        return Path(given)
    directory = cache()
    found = sorted(directory.glob(f"libzt-{VERSION}-*.whl"))
    if found:
        return found[0]
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *DOWNLOAD, "-d", str(directory)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        raise Unavailable("the libzt wheel could not be downloaded within two minutes") from None
    found = sorted(directory.glob(f"libzt-{VERSION}-*.whl"))
    if result.returncode or not found:
        raise Unavailable(f"the libzt wheel could not be downloaded: {last_line(result.stderr)}")
    return found[0]


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def prepare() -> tuple[Path, Path]:
    """(stand-in, library), unpacked and compiled once; raises Unavailable."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise Unavailable("libzt has a wheel for Linux on x86-64 only")
    source = wheel()
    digest = hashlib.sha256(source.read_bytes() + STAND_IN.encode()).hexdigest()[:16]
    directory = cache() / digest
    stand_in = directory / "standin.so"
    if not stand_in.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(source) as archive:
            archive.extractall(directory)
        build_stand_in(stand_in)
    libraries = sorted((directory / "libzt").glob("_libzt*.so"))
    if not libraries:
        raise Unavailable(f"{source.name} holds no shared object")
    return stand_in, libraries[0]


def build_stand_in(target: Path) -> None:
    compiler = next((c for name in ("cc", "gcc", "clang") if (c := shutil.which(name))), None)
    if compiler is None:
        raise Unavailable("no C compiler for the stand-in that libzt needs")
    source = target.with_suffix(".c")
    source.write_text(STAND_IN)
    partial = target.with_suffix(f".{os.getpid()}")
    command = [compiler, "-shared", "-fPIC", "-w", "-o", str(partial), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if result.returncode:
        raise Unavailable(f"the stand-in for libzt does not compile: {last_line(result.stderr)}")
    partial.replace(target)


def load(stand_in: Path, library: Path) -> ctypes.CDLL:
    """The C API with argument types set; raises Unavailable."""
    try:
        before = ctypes.CDLL(str(stand_in), mode=ctypes.RTLD_GLOBAL)
        zts = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        ctypes.c_void_p.in_dll(before, "library").value = zts._handle
    except OSError as error:
        raise Unavailable(f"libzt does not load: {error}") from None
    zts.zts_node_get_id.restype = ctypes.c_uint64
    for name in ("zts_net_join", "zts_net_leave", "zts_net_transport_is_ready", "zts_net_get_status"):
        getattr(zts, name).argtypes = [ctypes.c_uint64]
    zts.zts_addr_get_str.argtypes = [ctypes.c_uint64, ctypes.c_uint, ctypes.c_char_p, ctypes.c_uint]
    zts.zts_read.restype = zts.zts_write.restype = ctypes.c_ssize_t
    zts.zts_read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    zts.zts_write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    zts.zts_bind.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_ushort]
    zts.zts_connect.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_ushort, ctypes.c_int]
    zts.zts_accept.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_ushort)]
    for name in ("zts_bsd_sendto", "zts_bsd_recvfrom"):
        getattr(zts, name).restype = ctypes.c_ssize_t
    zts.zts_bsd_sendto.argtypes = [
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_uint,
    ]
    zts.zts_bsd_recvfrom.argtypes = [
        *zts.zts_bsd_sendto.argtypes[:5],
        ctypes.POINTER(ctypes.c_uint),
    ]
    return zts


if __name__ == "__main__":
    try:
        load(*prepare())
    except Unavailable as error:
        sys.exit(str(error))
    print(f"libzt {VERSION} loads")
