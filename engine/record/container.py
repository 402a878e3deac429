"""MCAP files, written so that a crash loses a second at most, and read so that a stranger's file can do no harm.

The records' layouts are those of the ``mcap`` package. Its writer and readers are not used: the writer remembers an
object for every chunk and loses track of the file when the disk is full, the readers believe the sizes that a file
states. Here everything goes to the file chunk by chunk, without a buffer of the process in between; what is remembered
of a chunk is its place, packed (some 100 bytes a second). The reader reads one record at a time, of bounded size, holds
it against its checksum, and takes a file that ends early for what it is: readable up to its last whole chunk.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import IO, Any, NamedTuple

MAGIC = b"\x89MCAP0\r\n"
LARGEST_CHUNK = 32 << 20
"""Bytes of a chunk, packed or not."""
LARGEST_METADATA = 4 << 20  # layout.LONGEST_ABOUT is made to fit
_HEAD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<HIQQ")
_CHUNK = struct.Struct("<QQQI")
_LEVEL = 1  # of zstd: measured on sessions, higher ones take three times as long and save a twentieth


class Damaged(ValueError):
    """The bytes are not those of a sound file; the message says what is wrong."""


class Message(NamedTuple):
    """One message: the number of its channel, its time (ns) and its content."""

    channel: int
    log_ns: int
    data: bytes


class Metadata(NamedTuple):
    """A metadata record."""

    name: str
    values: Mapping[str, str]


class Channel(NamedTuple):
    """A channel record."""

    number: int
    topic: str


class ChunkWriter:
    """Writes to ``file``, which has to be unbuffered; OSError goes to the caller, and ``end`` is then where the last
    whole chunk ends. Channels are numbered from 1 in the order of ``channels`` (topic, encoding)."""

    def __init__(
        self, file: IO[bytes], profile: str, library: str, metadata: Metadata, channels: Sequence[tuple[str, str]]
    ) -> None:
        from mcap import records

        self._file = file
        self.end = 0
        self._chunk = bytearray()
        self._index: dict[int, list[tuple[int, int]]] = {}
        self._times = (0, 0)
        self._counts = dict.fromkeys(range(1, len(channels) + 1), 0)
        self._span = (0, 0)
        self._chunks, self._places = 0, bytearray()
        self._channels = [
            records.Channel(number, topic, encoding, {}, 0) for number, (topic, encoding) in enumerate(channels, 1)
        ]
        head = _packed(records.Header(profile, library))
        described = _packed(records.Metadata(metadata.name, dict(metadata.values)))
        self._described = _packed(records.MetadataIndex(len(MAGIC) + len(head), len(described), metadata.name))
        self._write(MAGIC + head + described + b"".join(map(_packed, self._channels)))

    @property
    def pending(self) -> int:
        """Bytes of the chunk that is being filled."""
        return len(self._chunk)

    def add(self, channel: int, log_ns: int, publish_ns: int, sequence: int, data: bytes) -> None:
        """Add a message to the chunk; nothing is written yet."""
        log_ns, publish_ns = max(0, log_ns), max(0, publish_ns)
        first, last = self._times if self._chunk else (log_ns, log_ns)
        self._times = min(first, log_ns), max(last, log_ns)
        self._index.setdefault(channel, []).append((log_ns, len(self._chunk)))
        self._chunk += _HEAD.pack(5, _MESSAGE.size + len(data))
        self._chunk += _MESSAGE.pack(channel, sequence & 0xFFFFFFFF, log_ns, publish_ns)
        self._chunk += data

    def flush(self) -> None:
        """Write the chunk, if there is anything in it."""
        if not self._chunk:
            return
        import zstandard
        from mcap import records

        content = bytes(self._chunk)
        packed = zstandard.ZstdCompressor(level=_LEVEL).compress(content)
        (first, last), crc = self._times, zlib.crc32(content)
        chunk = _packed(records.Chunk("zstd", packed, last, first, crc, len(content)))
        indices, places = b"", {}
        for channel, entries in self._index.items():
            places[channel] = self.end + len(chunk) + len(indices)
            indices += _packed(records.MessageIndex(channel, entries))
        place = records.ChunkIndex(
            chunk_length=len(chunk),
            chunk_start_offset=self.end,
            compression="zstd",
            compressed_size=len(packed),
            message_end_time=last,
            message_index_length=len(indices),
            message_index_offsets=places,
            message_start_time=first,
            uncompressed_size=len(content),
        )
        self._write(chunk + indices)
        for channel, entries in self._index.items():
            self._counts[channel] += len(entries)
        self._span = (min(self._span[0], first), max(self._span[1], last)) if self._chunks else (first, last)
        self._chunks += 1
        self._places += _packed(place)
        self._chunk.clear()
        self._index.clear()

    def finish(self) -> None:
        """Write what is left, and the summary that makes the file whole."""
        from mcap import records

        self.flush()
        statistics = records.Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=self._chunks,
            message_count=sum(self._counts.values()),
            message_start_time=self._span[0],
            message_end_time=self._span[1],
            metadata_count=1,
            schema_count=0,
        )
        closing = _packed(records.DataEnd(0))
        summary = b"".join(map(_packed, self._channels)) + _packed(statistics) + self._places + self._described
        footer = records.Footer(self.end + len(closing), 0, 0)
        footer.summary_crc = zlib.crc32(summary + _packed(footer)[:-4])
        self._write(closing + summary + _packed(footer) + MAGIC)

    def _write(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.end += len(content)


def _packed(record: Any) -> bytes:
    from mcap.data_stream import RecordBuilder

    builder: Any = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())


def read(file: IO[bytes]) -> Iterator[Metadata | Channel | Message]:
    """The records of a file in order, up to the end of its data. Returns quietly where the file is whole. Raises
    :class:`Damaged` where it is not sound, and EOFError where it ends within a record or before its end is told."""
    if _exactly(file, len(MAGIC)) != MAGIC:
        raise Damaged("it does not begin as an MCAP file does")
    while True:
        code, length = _HEAD.unpack(_exactly(file, _HEAD.size))
        if code == 15:  # the end of the data; what follows is for tools that want to jump
            return
        if length > LARGEST_CHUNK + 4096:
            raise Damaged(f"a record of {length} bytes, {LARGEST_CHUNK} at most")
        if code == 12:
            yield _metadata(_exactly(file, length))
        elif code == 4:
            yield _channel(_exactly(file, length))
        elif code == 6:
            yield from _messages(_unpacked(_exactly(file, length)))
        elif code == 5:
            yield _message(_exactly(file, length))
        elif not code:
            raise Damaged("a record of kind 0")
        else:
            _exactly(file, length)


def _exactly(file: IO[bytes], count: int) -> bytes:
    """So many bytes. What a file states to hold is not set aside before it is there. Raises EOFError."""
    parts = []
    while count:
        part = file.read(min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _unpacked(body: bytes) -> bytes:
    """A chunk's content, held against its checksum."""
    import zstandard

    if len(body) < _CHUNK.size + 4:
        raise Damaged("a chunk without a head")
    size, crc = _CHUNK.unpack_from(body)[2:]
    at = _CHUNK.size + 4
    named = int.from_bytes(body[_CHUNK.size : at], "little")
    packing, at = body[at : at + min(named, 16)], at + named
    content = body[at + 8 :]
    if at + 8 > len(body) or int.from_bytes(body[at : at + 8], "little") != len(content):
        raise Damaged("a chunk whose parts do not add up")
    if size > LARGEST_CHUNK:
        raise Damaged(f"a chunk that says to hold {size} bytes, {LARGEST_CHUNK} at most")
    if packing == b"zstd":
        try:
            if zstandard.frame_content_size(content) != size:
                raise Damaged("a chunk that says to hold another number of bytes than its content does")
            content = zstandard.ZstdDecompressor().decompress(content, max_output_size=size)
        except zstandard.ZstdError as error:
            raise Damaged(f"a chunk that does not unpack ({error})") from error
    elif packing:
        raise Damaged(f"a chunk packed as {packing.decode('latin-1')!r}; this engine reads zstd")
    if len(content) != size or (crc and zlib.crc32(content) != crc):
        raise Damaged("a chunk that does not match its checksum")
    return content


def _messages(content: bytes) -> Iterator[Channel | Message]:
    """The records in a chunk."""
    at = 0
    while at < len(content):
        if at + _HEAD.size > len(content):
            raise Damaged("a chunk that ends within a record")
        code, length = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        if length > len(content) - at:
            raise Damaged("a chunk that ends within a record")
        if code == 5:
            yield _message(content[at : at + length])
        elif code == 4:
            yield _channel(content[at : at + length])
        at += length


def _message(body: bytes) -> Message:
    if len(body) < _MESSAGE.size:
        raise Damaged("a message without a head")
    channel, _, log_ns, _ = _MESSAGE.unpack_from(body)
    return Message(channel, log_ns, body[_MESSAGE.size :])


def _metadata(body: bytes) -> Metadata:
    from mcap import records

    if len(body) > LARGEST_METADATA:
        raise Damaged(f"metadata of {len(body)} bytes, {LARGEST_METADATA} at most")
    found = _parsed(records.Metadata, body)
    return Metadata(found.name, found.metadata)


def _channel(body: bytes) -> Channel:
    from mcap import records

    found = _parsed(records.Channel, body[: 1 << 16])
    return Channel(found.id, found.topic)


def _parsed(kind: Any, body: bytes) -> Any:
    """A record of the library's, read from no more than its own bytes."""
    from mcap.data_stream import ReadDataStream
    from mcap.exceptions import McapError

    try:
        return kind.read(ReadDataStream(BytesIO(body)))
    except (McapError, ValueError, OverflowError, struct.error) as error:
        raise Damaged(f"a {kind.__name__.lower()} record that does not read") from error
