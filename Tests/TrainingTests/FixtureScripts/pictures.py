#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write ../Fixtures/pictures.json: small PNG and JPEG files and what Pillow makes of them.

usage: python3 pictures.py

Made with Python 3.11, Pillow 13.0.0 and NumPy 2.4.6 (pip install pillow numpy). The tests read the
committed file and need none of these.

A case is {"name", "file": base64, "width", "height", "pixels": base64 of [row][column][3], "side",
"square": base64 of [row][column][3]}; the square is the centre of the picture, scaled by Pillow's
BILINEAR filter. Transparent pictures lie on white; where they are half transparent, libpng mixes
light and not the bytes, which Pillow does not, so that no case is. Where EXIF data say how the camera
was held, the picture is turned upright first.
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures"

random = np.random.default_rng(7)


def scene(width: int, height: int) -> Image.Image:
    """Waves of colour with some noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [
        128 + 100 * np.sin(columns / 5 + phase) * np.cos(rows / 7 - phase) for phase in (0, 1, 2)
    ]
    noise = random.integers(-20, 21, (height, width, 3))
    return Image.fromarray(np.clip(np.stack(waves, 2) + noise, 0, 255).astype(np.uint8))


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def turned(value: int) -> Image.Exif:
    """EXIF data that note an orientation, in one byte order or the other."""
    exif = Image.Exif()
    exif.endian = "<>"[value % 2]
    exif[0x010F] = "a camera"
    exif[0x0112] = value
    return exif


def case(name: str, image: Image.Image, side: int, kind: str, **options: object) -> dict:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    seen = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue())))
    if "A" in seen.mode:
        ground = Image.new("RGBA", seen.size, (255, 255, 255, 255))
        seen = Image.alpha_composite(ground, seen.convert("RGBA"))
    seen = seen.convert("RGB")
    width, height = seen.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    square = seen.crop((left, top, left + edge, top + edge)).resize(
        (side, side), Image.Resampling.BILINEAR
    )
    return {
        "name": name, "file": text(buffer.getvalue()), "width": width, "height": height,
        "pixels": text(seen.tobytes()), "side": side, "square": text(square.tobytes()),
    }


def main() -> None:
    colour = scene(23, 17)
    holes = scene(12, 12).convert("RGBA")
    alpha = np.where(random.integers(0, 2, (12, 12)) == 1, 255, 0).astype(np.uint8)
    holes.putalpha(Image.fromarray(alpha))
    large = scene(61, 83)
    cases = [
        case("png-rgb", colour, 8, "PNG"),
        case("png-grey", colour.convert("L"), 17, "PNG"),
        case("png-palette", colour.quantize(7), 20, "PNG"),
        case("png-one-bit", colour.convert("1"), 5, "PNG"),
        case("png-transparent", holes, 12, "PNG"),
        case("jpeg-444", colour, 8, "JPEG", quality=90, subsampling=0),
        case("jpeg-420", large, 32, "JPEG", quality=60, subsampling=2),
        case("jpeg-grey", colour.convert("L"), 24, "JPEG"),
        case("jpeg-progressive", colour, 6, "JPEG", progressive=True),
        case("jpeg-restarts", colour, 3, "JPEG", restart_marker_blocks=1),
        case("jpeg-cmyk", colour.convert("CMYK"), 8, "JPEG"),
    ]
    small = scene(11, 8)
    cases += [
        case(f"jpeg-turned-{value}", small, 5, "JPEG", subsampling=0, exif=turned(value))
        for value in range(1, 9)
    ]
    document = {"description": "Pictures as Pillow reads and scales them.", "cases": cases}
    path = FIXTURES / "pictures.json"
    dump = json.dumps(document, separators=(",", ":"))
    path.write_text(dump.replace('{"name"', '\n{"name"') + "\n")
    print(f"{path.name} {len(cases)} cases {path.stat().st_size / 1024:.1f} KiB")


if __name__ == "__main__":
    main()
