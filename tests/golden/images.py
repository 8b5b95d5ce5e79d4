#!/usr/bin/python3
"""Makes images/: small image files, whole and damaged, and images/truth.txt, what a browser shows of them.

usage: images.py    (needs python3-pil and python3-numpy)

A line of truth.txt: the file's name, then width, height and the CRC-32 of the pixels as Pillow gives
them, or "refused": turned upright by Exif, on white where they are transparent, of 16 bits the upper
8. One file is refused though Pillow takes it; see LARGE.
"""
import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")
# A chunk longer than the file, and more pixels than the bytes can hold.
LARGE = {"chunk_of_1gb.png"}


def scene(width=24, height=18):
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 10, y * 14, (x * y) % 256], -1)
    rgb[4:12, 6:15] = (240, 60, 30)
    return Image.fromarray(rgb.astype(np.uint8))


def jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **{"quality": 75, "optimize": True, **options})
    return file.getvalue()


def png(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width, height, bits, colour, rows, interlaced=0):
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def changed(data, place, value):
    data = bytearray(data)
    data[place:place + len(value)] = value
    return bytes(data)


def png16_with_transparent_grey(grey):
    height, width = grey.shape
    whole = raw_png(width, height, 16, 0, grey.astype(">u2") * 257)
    idat = whole.find(b"IDAT") - 4
    return whole[:idat] + chunk(b"tRNS", struct.pack(">H", int(grey[0, 0]) * 257)) + whole[idat:]


def jpegs(image):
    plain = jpeg(image)
    end = plain[-2:]
    frame = plain.find(b"\xff\xc0")
    cmyk = jpeg(image.convert("CMYK"))
    adobe = cmyk.find(b"\xff\xee")
    progressive = jpeg(image, progressive=True)
    yield "plain.jpg", plain
    yield "444.jpg", jpeg(image, subsampling=0)
    yield "422.jpg", jpeg(image, subsampling=1)
    yield "grey.jpg", jpeg(image.convert("L"))
    yield "progressive.jpg", progressive
    yield "cmyk.jpg", cmyk
    yield "cmyk_without_adobe.jpg", cmyk[:adobe] + cmyk[adobe + 16:]
    yield "ycck.jpg", changed(cmyk, adobe + 15, b"\2")
    yield "rgb_adobe.jpg", (plain[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
                            + jpeg(image, subsampling=0)[20:])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"exif_{orientation}.jpg", jpeg(image, exif=exif.tobytes())
    big = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x08\0\0\0\0\0\0"
    yield "exif_big_endian.jpg", plain[:2] + b"\xff\xe1" + struct.pack(">H", len(big) + 2) + big + plain[2:]
    yield "comment_with_end.jpg", plain[:2] + b"\xff\xfe\0\6\xff\xd9\xff\xd9" + plain[2:]
    yield "junk_after_end.jpg", plain + b"GARBAGE"
    yield "zeros_before_end.jpg", plain[:-2] + bytes(64) + end
    yield "marker_before_end.jpg", plain[:-2] + b"\xff\1" + end
    yield "stuffing_before_end.jpg", plain[:-2] + b"\xff\0\x12\x34\xff\1" + end
    yield "restart_before_end.jpg", plain[:-2] + b"\xff\xd1" + end
    yield "zeros_without_end.jpg", plain[:-2] + bytes(64)
    yield "without_end.jpg", plain[:-2]
    yield "half.jpg", plain[:len(plain) * 3 // 4]
    yield "half_with_end.jpg", plain[:len(plain) * 3 // 4] + end
    yield "progressive_half.jpg", progressive[:len(progressive) * 3 // 4]
    yield "progressive_half_with_end.jpg", progressive[:len(progressive) * 3 // 4] + end
    yield "without_scan.jpg", plain[:plain.find(b"\xff\xda")] + end
    yield "height_0.jpg", changed(plain, frame + 5, b"\0\0")
    yield "arithmetic.jpg", changed(plain, frame + 1, b"\xc9")
    yield "two_channels.jpg", changed(plain, frame + 9, b"\2")
    yield "12_bits.jpg", changed(plain, frame + 4, b"\x0c")


def pngs(image):
    rgb, grey = np.asarray(image), np.asarray(image.convert("L"))
    height, width = grey.shape
    palette = image.quantize(16)
    plain = png(image)
    idat = plain.find(b"IDAT")
    length = struct.unpack(">I", plain[idat - 4:idat])[0]
    yield "plain.png", plain
    yield "rgb16.png", raw_png(width, height, 16, 2, rgb.astype(">u2") * 257 - (rgb > 9))
    yield "grey16.png", raw_png(width, height, 16, 0, grey.astype(">u2") * 3)
    yield "grey.png", png(image.convert("L"))
    yield "grey_alpha.png", png(Image.merge("LA", [image.convert("L")] * 2))
    yield "rgba.png", png(Image.merge("RGBA", [*image.split(), image.convert("L")]))
    yield "rgb_transparent.png", png(image, transparency=tuple(int(v) for v in rgb[0, 0]))
    yield "palette.png", png(palette)
    yield "palette_transparent.png", png(palette, transparency=3)
    yield "palette_alpha.png", png(palette, transparency=bytes(range(0, 256, 16)))
    yield "rgba16.png", raw_png(width, height, 16, 6, np.dstack([rgb, grey]).astype(">u2") * 257)
    yield "grey16_transparent.png", png16_with_transparent_grey(grey)
    yield "palette_2_bits.png", png(image.quantize(4), bits=2)
    yield "1_bit.png", png(image.convert("1"))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2))
    rows = [row for x, y, dx, dy in passes for row in rgb[y::dy, x::dx]]
    yield "interlaced.png", raw_png(width, height, 8, 2, rows, 1)
    yield "junk_after_end.png", plain + b"GARBAGE"
    yield "half.png", plain[:len(plain) // 2]
    yield "flipped_byte.png", changed(plain, idat + 4 + length // 2,
                                      bytes([plain[idat + 4 + length // 2] ^ 0x55]))
    yield "wrong_pixel_sum.png", changed(plain, idat + length, b"\1\2\3\4")
    yield "wrong_chunk_sum.png", changed(plain, idat + 4 + length, b"\1\2\3\4")
    yield "wrong_header_sum.png", changed(plain, 29, b"\1\2\3\4")
    yield "chunk_of_1gb.png", changed(plain, idat - 4, b"\x40\0\0\0")


def as_shown(image):
    """What a browser shows of an image: Pillow's pixels in another order or on white."""
    if image.mode in ("I", "I;16"):  # grey of 16 bits
        pixels = np.asarray(image).astype(int)
        grey = Image.fromarray((pixels >> 8).astype(np.uint8)).convert("RGB")
        transparent = image.info.get("transparency")
        if transparent is None:
            return grey
        rgba = np.dstack([np.asarray(grey), np.where(pixels == transparent, 0, 255)])
    elif image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
    else:
        return ImageOps.exif_transpose(image).convert("RGB")
    colour, alpha = rgba[..., :3].astype(int), rgba[..., 3:].astype(int)
    return Image.fromarray(((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8))


def truth(name, data):
    if name in LARGE:
        return "refused"
    try:
        image = as_shown(Image.open(io.BytesIO(data)))
    except Exception:
        return "refused"
    return f"{image.width} {image.height} {zlib.crc32(image.tobytes()):08x}"


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    lines = []
    for name, data in [*jpegs(scene()), *pngs(scene())]:
        with open(os.path.join(OUT, name), "wb") as file:
            file.write(data)
        lines.append(f"{name} {truth(name, data)}\n")
    with open(os.path.join(OUT, "truth.txt"), "w") as file:
        file.writelines(lines)
