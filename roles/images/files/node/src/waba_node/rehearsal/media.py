"""Files: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media. Ids and download URLs expire."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .behaviour import Behaviour
from .errors import GraphError

MEGABYTE = 1 << 20
OFFICE = "application/vnd.openxmlformats-officedocument"
ACCEPTED = {  # content type -> (extensions, largest size in bytes)
    "audio/aac": (("aac",), 16 * MEGABYTE),
    "audio/amr": (("amr",), 16 * MEGABYTE),
    "audio/mpeg": (("mp3", "mpeg", "mpga"), 16 * MEGABYTE),
    "audio/mp4": (("m4a", "mp4"), 16 * MEGABYTE),
    "audio/ogg": (("ogg", "oga"), 16 * MEGABYTE),
    "audio/ogg; codecs=opus": (("ogg", "oga"), 16 * MEGABYTE),
    "application/pdf": (("pdf",), 100 * MEGABYTE),
    "application/msword": (("doc",), 100 * MEGABYTE),
    "application/vnd.ms-excel": (("xls",), 100 * MEGABYTE),
    "application/vnd.ms-powerpoint": (("ppt",), 100 * MEGABYTE),
    f"{OFFICE}.wordprocessingml.document": (("docx",), 100 * MEGABYTE),
    f"{OFFICE}.spreadsheetml.sheet": (("xlsx",), 100 * MEGABYTE),
    f"{OFFICE}.presentationml.presentation": (("pptx",), 100 * MEGABYTE),
    "text/plain": (("txt",), 100 * MEGABYTE),
    "image/jpeg": (("jpg", "jpeg"), 5 * MEGABYTE),
    "image/png": (("png",), 5 * MEGABYTE),
    "image/webp": (("webp",), 500 << 10),
    "video/mp4": (("mp4",), 16 * MEGABYTE),
    "video/3gpp": (("3gp", "3gpp"), 16 * MEGABYTE),
}
LARGEST = 100 * MEGABYTE


@dataclass
class File:
    """A file at Meta. broken: a message with it fails later, since its name and its content type differ."""

    media_id: str
    mime_type: str
    content: bytes
    expires: float
    file_name: str = ""
    broken: bool = False
    urls: dict[str, float] = field(default_factory=dict)  # key -> when it expires

    @property
    def sha256(self) -> str:
        """Return the digest in hexadecimal, as the answer has it."""
        return hashlib.sha256(self.content).hexdigest()


class MediaStore:
    """The files, in memory."""

    def __init__(self, behaviour: Callable[[], Behaviour], clock: Callable[[], float] = time.time) -> None:
        self.behaviour, self.clock = behaviour, clock
        self.files: dict[str, File] = {}
        self.next_id = 900_000_000_000_001
        self.counts = {"uploaded": 0, "received": 0, "downloaded": 0}

    def add(self, mime_type: str, content: bytes, life: float, file_name: str = "") -> File:
        """Store a file without a check."""
        made = File(str(self.next_id), mime_type, content, self.clock() + life, file_name)
        self.next_id += 1
        self.files[made.media_id] = made
        return made

    def upload(self, mime_type: str, declared: str, file_name: str, content: bytes) -> File:
        """Store an uploaded file. declared: the form's field `type`. Raises GraphError."""
        kind = "; ".join(part.strip() for part in mime_type.lower().split(";"))
        if kind not in ACCEPTED:
            names = ", ".join(ACCEPTED)
            raise GraphError(
                100, f"Param file must be a file with one of the following types: {names}. Received {kind}"
            )
        extensions, largest = ACCEPTED[kind]
        if not content:
            raise GraphError(100, "Param file is empty")
        if len(content) > largest:
            raise GraphError(131053, f"a file of type {kind} has at most {largest} bytes", 400)
        made = self.add(kind, content, self.behaviour().media_life, file_name)
        self.counts["uploaded"] += 1
        extension = file_name.rpartition(".")[2].lower() if "." in file_name else ""
        made.broken = extension not in extensions or declared.partition(";")[0] != kind.partition(";")[0]
        return made

    def has(self, media_id: str) -> bool:
        """Return whether there is a file with this id, and still is."""
        return media_id in self.files and self.files[media_id].expires >= self.clock()

    def find(self, media_id: str) -> File:
        """Return a file. Raises GraphError if there is none, or no longer."""
        if not self.has(media_id):
            details = f"Unsupported request. Object with ID '{media_id}' does not exist, or cannot be loaded"
            raise GraphError(100, details, subcode=33)
        return self.files[media_id]

    def info(self, media_id: str, origin: str) -> dict[str, Any]:
        """Return the answer about a file, with a new download URL."""
        found = self.find(media_id)
        return {
            "messaging_product": "whatsapp",
            "url": self.url(found, origin),
            "mime_type": found.mime_type,
            "sha256": found.sha256,
            "file_size": len(found.content),
            "id": media_id,
        }

    def url(self, file: File, origin: str) -> str:
        key, expires = secrets.token_hex(8), self.clock() + self.behaviour().url_life
        file.urls[key] = expires
        return f"{origin}/whatsapp_business/attachments/?mid={file.media_id}&ext={int(expires)}&hash={key}"

    def download(self, media_id: str, key: str) -> File | None:
        """Return the file behind a URL, None if the URL or the file has expired."""
        found = self.files.get(media_id)
        if found is None or max(found.urls.get(key, 0.0), 0.0) < self.clock() or found.expires < self.clock():
            return None
        self.counts["downloaded"] += 1
        return found

    def delete(self, media_id: str) -> dict[str, Any]:
        self.find(media_id)
        del self.files[media_id]
        return {"success": True}
