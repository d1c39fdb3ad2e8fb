"""A picture sent with a count: kept upright, small, sealed, and without what its file gave away."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin
from sqlalchemy import select

from services.intake.counts.evidence import LONGEST_EDGE, MOST_BYTES, NoPicture, developed
from shared.catalogue import Channel
from shared.tables.writing_events import reported_counts
from tests.intake.builders import Intake, a_case, a_pack, a_policy
from tests.intake.test_counts import a_count

CANARY = b"canary-of-a-phone"
GPS: dict[int, Any] = {
    ExifTags.GPS.GPSLatitude: (46.0, 57.0, 0.0),
    ExifTags.GPS.GPSMapDatum: CANARY.decode(),
}


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    case = a_case(policy=a_policy(channels=(Channel.LETTER,)))
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}", a_pack(case))
    yield intake
    intake.database.close()


def a_photo(form: str = "JPEG", size: tuple[int, int] = (40, 20), **given: Any) -> bytes:
    """Red on its left half, blue on its right."""
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", (size[0] // 2, 0, *size))
    written = io.BytesIO()
    picture.convert(given.pop("mode", "RGB")).save(written, form, **given)
    return written.getvalue()


def a_phones_photo() -> bytes:
    """Lying on its side, with all that a phone writes beside a picture."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # turn it to the right
    exif[ExifTags.Base.Make] = CANARY.decode()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(GPS)
    return a_photo(exif=exif, comment=CANARY, xmp=CANARY, icc_profile=CANARY)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def a_png_that_says(width: int, height: int) -> bytes:
    """Small itself, whatever it says."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def reported(intake: Intake) -> str:
    answer: Any = intake.http.post("/v1/counts", json=a_count(), headers=intake.auth())
    return f"{answer.json['links']['self']}/evidence"


def put(intake: Intake, place: str, content: bytes, media_type: str = "image/jpeg") -> Any:
    return intake.http.put(place, data=content, content_type=media_type, headers=intake.auth())


def test_nothing_of_the_file_but_the_picture_is_kept() -> None:
    photo = a_phones_photo()
    assert photo.count(CANARY) >= 4

    kept = developed(photo, "image/jpeg")

    assert CANARY not in kept
    assert not opened(kept).getexif()
    assert set(opened(kept).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_picture_that_lay_on_its_side_is_turned_upright() -> None:
    upright = opened(developed(a_phones_photo(), "image/jpeg"))

    assert upright.size == (20, 40)
    red, _, blue = upright.convert("RGB").getpixel((10, 5)) or (0, 0, 0)  # type: ignore[misc]
    assert red > blue


@pytest.mark.parametrize(
    ("form", "media_type", "given"),
    [
        ("PNG", "image/png", {}),
        ("PNG", "image/png", {"mode": "RGBA"}),
        ("PNG", "image/png", {"mode": "P"}),
        ("JPEG", "image/jpeg", {"mode": "CMYK"}),
        ("WEBP", "image/webp", {"lossless": True}),
    ],
)
def test_every_form_becomes_a_jpeg(form: str, media_type: str, given: dict[str, Any]) -> None:
    kept = opened(developed(a_photo(form, **given), media_type))

    assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (40, 20))
    red, _, blue = kept.getpixel((5, 5)) or (0, 0, 0)  # type: ignore[misc]
    assert red > 200 > blue


def test_a_large_picture_is_made_smaller() -> None:
    kept = opened(developed(a_photo(size=(5_000, 1_000)), "image/jpeg"))

    assert kept.size == (LONGEST_EDGE, LONGEST_EDGE // 5)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "image/jpeg"),
        (b"no picture", "image/png"),
        (a_photo()[: len(a_photo()) // 2], "image/jpeg"),
        (a_photo("PNG"), "image/jpeg"),
        (a_photo("GIF"), "image/png"),
        (a_png_that_says(10, 10), "image/png"),
    ],
)
def test_what_is_no_picture_is_refused_and_not_quoted(content: bytes, media_type: str) -> None:
    with pytest.raises(NoPicture, match=r"^The picture cannot be opened: \w+$"):
        developed(content, media_type)


@pytest.mark.parametrize("size", [(5_000, 5_000), (12_000, 9_000), (60_000, 60_000)])
def test_a_bomb_is_not_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(NoPicture, match="more than 24,000,000 pixels"):
        developed(a_png_that_says(*size), "image/png")


def test_words_that_unpack_to_much_are_not_read() -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("bomb", "x" * 5_000_000, zip=True)

    with pytest.raises(NoPicture):
        developed(a_photo("PNG", pnginfo=words), "image/png")


def test_a_picture_is_sealed_and_given_back_to_its_own_client(intake: Intake) -> None:
    place = reported(intake)

    told = put(intake, place, a_phones_photo())
    given = intake.get(place)

    assert (told.status_code, told.json["links"]["evidence"]) == (200, place)
    assert (given.status_code, given.mimetype) == (200, "image/jpeg")
    assert given.data == developed(a_phones_photo(), "image/jpeg")
    with intake.database.read() as connection:
        sealed = connection.scalar(select(reported_counts.c.evidence))
    assert b"JFIF" not in bytes(sealed or b"JFIF")


def test_a_second_picture_replaces_the_first(intake: Intake) -> None:
    place = reported(intake)
    put(intake, place, a_photo())

    put(intake, place, a_photo("PNG", size=(10, 10)), "image/png")

    assert opened(intake.get(place).data).size == (10, 10)


def test_there_is_no_picture_before_there_is_one(intake: Intake) -> None:
    assert intake.get(reported(intake)).status_code == 404


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"no picture", "image/jpeg", 422, "invalid"),
        (b"<svg/>", "image/svg+xml", 415, "unsupported_media_type"),
        (b"x" * (MOST_BYTES + 1), "image/jpeg", 413, "body_too_large"),
    ],
)
def test_what_is_refused_changes_nothing(
    content: bytes, media_type: str, status: int, code: str, intake: Intake
) -> None:
    place = reported(intake)

    refused = put(intake, place, content, media_type)

    assert (refused.status_code, refused.json["code"]) == (status, code)
    assert intake.get(place).status_code == 404


def test_a_withdrawn_count_takes_no_picture(intake: Intake) -> None:
    place = reported(intake)
    intake.http.delete(place.removesuffix("/evidence"), headers=intake.auth())

    refused = put(intake, place, a_photo())

    assert (refused.status_code, refused.json["code"]) == (409, "count_withdrawn")
