# SPDX-License-Identifier: Apache-2.0
"""The functions of `swpu.h`, by ctypes. The interpreter is not held while one runs."""

import ctypes
import os
import pathlib
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int32, c_int64, c_uint8, c_uint64


class Error(Exception):
    """What the library reports: the message names the value and what would be right."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def _load() -> ctypes.CDLL:
    path = os.environ.get("SWPU_LIBRARY")
    if path is None:
        path = str(pathlib.Path(__file__).parent / "libswpu.so")
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(
            f"swpu: the engine's library cannot be loaded ({error}); install the package with "
            "`pip install ./python` on a machine with Swift, or point SWPU_LIBRARY at libswpu.so"
        ) from None


_functions = _load()
_functions.swpu_last_error.restype = c_char_p
_functions.swpu_version.restype = c_char_p
_functions.swpu_string_free.restype = None

# Arguments by function, without the swpu_ that all begin with. `h` is a handle, `i` a 32-bit and `l`
# a 64-bit integer, `u` an unsigned one, `f` and `d` floats, `s` text, `p` a pointer.
_KINDS = {
    "h": c_uint64, "i": c_int32, "l": c_int64, "u": c_uint64, "f": c_float, "d": c_double,
    "s": c_char_p, "p": ctypes.c_void_p,
}
_SIGNATURES = {
    "network_create": "siiip", "network_named": "siiiidp",
    "network_from_onnx": "spliiip", "network_free": "h",
    "network_convolution": "hsiiiiiiiiiip", "network_linear": "hsiiiip",
    "network_batch_norm": "hsiisffp", "network_activation": "hsisp",
    "network_pool": "hsisiiip", "network_global_average_pool": "hsip", "network_add": "hsiip",
    "network_flatten": "hsip", "network_dropout": "hsifp",
    "model_create": "hiisuip", "model_free": "h", "model_sizes": "hppp",
    "model_forward": "hpiiup", "model_loss": "hpfpp", "model_backward": "hpi",
    "model_image_gradient": "hp",
    "model_sgd": "hfif", "model_adamw": "hffff", "model_step": "hff",
    "model_parameter_count": "hp", "model_parameter": "hippppppp",
    "model_statistic_count": "hp", "model_statistic": "hippp",
    "model_dense_values": "hip", "model_set_dense_values": "hip", "model_dense_gradient": "hip",
    "model_set_dense_gradient": "hip",
    "model_prune": "hsll", "model_updates_masks": "hlp", "model_update_masks": "hl",
    "model_choose_mask": "hippddp", "model_mask": "hip", "model_set_mask": "hip",
    "model_state": "hplp", "model_restore": "hpl", "model_simulate": "hsip",
}
for _name, _kinds in _SIGNATURES.items():
    _function = getattr(_functions, "swpu_" + _name)
    _function.argtypes = [_KINDS[kind] for kind in _kinds]
    _function.restype = c_int32


def call(name: str, *arguments) -> None:
    """Calls `swpu_NAME`; raises `Error` where it does not return SWPU_OK."""
    status = getattr(_functions, "swpu_" + name)(*arguments)
    if status:
        raise Error(status, _functions.swpu_last_error().decode())


def version() -> str:
    """The version of the engine."""
    return _functions.swpu_version().decode()


def text(pointer: c_char_p) -> str:
    """Takes over a text that the library allocated."""
    value = ctypes.string_at(pointer).decode()
    _functions.swpu_string_free(pointer)
    return value
