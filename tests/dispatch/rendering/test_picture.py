"""Pictures of postcards: what is refused, what is cut, and what stays behind."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from services.dispatch.rendering import picture
from services.dispatch.rendering.cards import A6, CARDS, FOUR_BY_SIX, Card
from services.dispatch.rendering.picture import PictureUnfit, fit_picture, read_picture
from tests.dispatch.rendering.postcards import a_picture, as_file

SIZES = {"a6": (1819, 1311), "4x6": (1875, 1275)}


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_fills_the_card_and_its_bleed_at_300_dpi(card: Card, kind: str) -> None:
    fitted = opened(fit_picture(as_file(a_picture(), kind), card))

    assert (fitted.size, fitted.mode, fitted.format) == (SIZES[card.name], "RGB", "JPEG")
    assert fitted.getpixel((1500, 300)) == pytest.approx((242, 182, 50), abs=6)  # the sun


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_greys_and_palettes_become_colours(mode: str) -> None:
    assert opened(fit_picture(as_file(a_picture(mode=mode)), A6)).mode == "RGB"


def test_what_is_transparent_becomes_white_paper() -> None:
    glass = Image.new("RGBA", (1920, 1440), (200, 0, 0, 0))

    assert opened(fit_picture(as_file(glass), A6)).getpixel((900, 600)) == (255, 255, 255)


def test_where_it_was_taken_stays_behind() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken in a street with a name"  # ImageDescription
    photo = as_file(a_picture(), "JPEG", exif=exif, comment=b"by somebody")

    fitted = fit_picture(photo, A6)

    assert b"street" in photo
    assert b"street" not in fitted
    assert b"somebody" not in fitted


def test_a_photo_taken_with_a_turned_camera_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn by 90 degrees to see it
    turned = as_file(a_picture().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)

    sun = opened(fit_picture(turned, A6)).getpixel((1420, 300))

    assert sun == pytest.approx((242, 182, 50), abs=6)


def test_a_profile_of_other_colours_becomes_srgb() -> None:
    plain = as_file(a_picture())
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    fitted = fit_picture(as_file(a_picture(), icc_profile=profile), A6)

    assert "icc_profile" not in opened(fitted).info
    assert opened(fitted).getpixel((1500, 300)) == pytest.approx(
        opened(fit_picture(plain, A6)).getpixel((1500, 300)), abs=3
    )


def test_a_broken_profile_keeps_no_picture_back() -> None:
    assert fit_picture(as_file(a_picture(), icc_profile=b"no profile"), A6)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(
            as_file(a_picture((1200, 900))), "300 dots an inch need 1819 by 1311", id="few"
        ),
        pytest.param(as_file(a_picture((1440, 1920))), "would be cut off|1819", id="upright"),
        pytest.param(as_file(a_picture((2000, 2000))), "28% of it would be cut off", id="square"),
        pytest.param(as_file(a_picture(mode="CMYK"), "JPEG"), "its colours are CMYK", id="cmyk"),
        pytest.param(as_file(a_picture(), "GIF"), "no JPEG or PNG", id="gif"),
        pytest.param(as_file(a_picture())[:5000], "no JPEG or PNG", id="torn"),
        pytest.param(b"%PDF-1.7", "no JPEG or PNG", id="no picture"),
        pytest.param(b"", "no JPEG or PNG", id="empty"),
    ],
)
def test_what_would_print_badly_is_refused_with_its_reason(content: bytes, says: str) -> None:
    with pytest.raises(PictureUnfit, match=says):
        fit_picture(content, A6)


def test_too_many_pixels_are_refused_before_they_are_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture, "MOST_PIXELS", 1_000_000)

    with pytest.raises(PictureUnfit, match="too many to open"):
        fit_picture(as_file(a_picture()), FOUR_BY_SIX)


def test_the_same_picture_is_the_same_bytes() -> None:
    assert fit_picture(as_file(a_picture()), A6) == fit_picture(as_file(a_picture()), A6)


@pytest.mark.parametrize("name", ["../secret.png", "link.png", "nowhere.png", ".", "/etc/hosts"])
def test_only_a_file_below_the_folder_is_read(tmp_path: Path, name: str) -> None:
    root = tmp_path / "pictures"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    (root / "link.png").symlink_to(tmp_path / "secret.png")

    with pytest.raises(PictureUnfit, match="there is no such picture"):
        read_picture(root, name)


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST_BYTES", 10)
    (tmp_path / "a.png").write_bytes(b"x" * 11)

    with pytest.raises(PictureUnfit, match="a file of 11 bytes"):
        read_picture(tmp_path, "a.png")
