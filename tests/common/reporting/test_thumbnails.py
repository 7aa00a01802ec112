"""Pictures and data share the bytes of a page."""

from common.reporting.html import thumbnails


def test_pictures_leave_room_for_the_data_of_many_rows() -> None:
    few, many, most = (thumbnails.Thumbnails() for _ in range(3))
    for made, data in ((few, 1_000_000), (many, 14_000_000), (most, 90_000_000)):
        made.leave_room(data)
    assert few.most_bytes == thumbnails.MOST_BYTES
    assert many.most_bytes + 14_000_000 < 20_000_000
    assert 0 < most.most_bytes < many.most_bytes
