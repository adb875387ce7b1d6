"""A PNG without what stands beside its picture, which its reader may refuse."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def strip_png(data: bytes) -> bytes:
    """The chunks that make the picture; anything that is no PNG comes back as it is."""
    if not data.startswith(_SIGNATURE):
        return data
    kept, place = [_SIGNATURE], len(_SIGNATURE)
    while place + 8 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        if kind in _KEPT:
            kept.append(data[place:end])
        if kind == b"IEND":
            break
        place = end
    return b"".join(kept)
