"""Which files may be images: by their suffix, or where that says nothing, by how their contents begin."""

import os
import stat

# Of formats that decode.py reads, in any letter case.
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".avif",
    ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip
# Images, but of formats that nobody reads here: what is lost is said.
UNREAD = (
    ".heic", ".heif", ".hif", ".jxl", ".jp2", ".j2k", ".jpx", ".jxr", ".svg", ".psd", ".xcf", ".tga", ".pcx", ".ico",
    ".icns", ".dds", ".exr", ".hdr", ".eps", ".ai", ".emf", ".wmf", ".dcm", ".nii", ".fits", ".pfm", ".raw", ".dng",
    ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf",
)  # fmt: skip
# What else lies in such folders; it is not opened.
OTHER = (
    ".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".md", ".html", ".htm", ".yaml", ".yml", ".toml", ".ini", ".cfg",
    ".log", ".pdf", ".py", ".ipynb", ".m", ".r", ".sh", ".bat", ".mat", ".npy", ".npz", ".pkl", ".h5", ".parquet",
    ".pt", ".pth", ".onnx", ".db", ".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".mp4", ".avi",
    ".mov", ".mkv", ".wav", ".mp3", ".lnk", ".url", ".part", ".tmp",
)  # fmt: skip
BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
LONGEST_SUFFIX = 12  # letters; a longer one is a part of a name


def suffix(name: str) -> str:
    """The suffix of a file's name in small letters, with its dot; "" where it has none."""
    stem, _, last = name.rpartition(".")
    found = f".{last.lower()}"
    return found if stem and 1 < len(found) <= LONGEST_SUFFIX and "/" not in last and found.isascii() else ""


def begins_as_image(entry: "os.DirEntry[str]") -> bool:
    """Whether a file begins as one of the usual formats do; a pipe or a device is not opened."""
    try:
        if not stat.S_ISREG(entry.stat().st_mode):
            return False
        with open(entry.path, "rb") as file:  # noqa: PTH123  # in half of the time
            start = file.read(12)
    except OSError:
        return False
    in_box = start[:4] == b"RIFF" and start[8:] == b"WEBP"
    return start.startswith(BEGINNINGS) or in_box or start[4:] in (b"ftypavif", b"ftypavis")
