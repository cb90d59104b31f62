"""Files that torch has saved, read so that nothing in them is carried out and no damage goes unnoticed."""

import errno
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch


class Unreadable(Exception):
    """The file is damaged, or holds something else than tensors and plain values; the message says which."""


def read(file: Path) -> Any:
    """What torch.save has put into `file`, or the tensors of a .safetensors file, on the CPU.

    Raises:
        Unreadable: it cannot be read safely.
        FileNotFoundError: there is none.
        OSError: the system did not give its bytes, or no memory for them, which says nothing of what is in it.
    """
    content = file.read_bytes()  # whole, and first: what goes wrong after this is the content's fault, not the disk's
    try:
        return _safetensors(content) if file.suffix == ".safetensors" else _parsed(content)
    except Unreadable:
        raise
    except pickle.UnpicklingError:  # torch goes on to advise that the safety be switched off
        raise Unreadable("it is damaged or holds something else than tensors") from None
    except Exception as error:  # a damaged file leads the readers into whatever it leads them into
        if _is_lack_of_memory(error):
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), str(file)) from error
        lines = str(error).strip().splitlines()
        raise Unreadable(lines[0].split(". ")[0] if lines else type(error).__name__) from None


def _parsed(content: bytes) -> Any:
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # torch writes checksums, but does not look at them; of what looks like a folder it reads nothing at all
            if archive.testzip() is not None or any(map(_is_folder, archive.infolist())):
                raise Unreadable("it is damaged: a checksum does not fit")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _safetensors(content: bytes) -> dict[str, torch.Tensor]:
    try:
        from safetensors.torch import load
    except ImportError:
        raise Unreadable("it needs: python -m pip install safetensors") from None
    return load(content)


def _is_lack_of_memory(error: Exception) -> bool:
    """Whether a whole file may be behind it: torch says so in a plain RuntimeError."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.external_attr & 0x10)  # as DOS marked them
