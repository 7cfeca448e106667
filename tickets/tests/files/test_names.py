import pytest

from tickets.files.names import cleaned, disposition


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("My ticket.PNG", "My ticket.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\tickets\\mine.jpeg", "mine.jpg"),
        ("票 1.png", "票 1.jpg"),
        ("evil\u202egpj.exe", "evilgpj.jpg"),
        ('a"b\r\nX: y.png', "abX y.jpg"),
        ("x" * 300 + ".png", "x" * 100 + ".jpg"),
        *((nameless, "ticket.jpg") for nameless in ("", ".png", "\0", "\u200b", "  .", "/", "....")),
    ],
)
def test_a_name_is_cleaned_and_has_the_ending_of_its_type(given: str, name: str) -> None:
    assert cleaned(given, "image/jpeg") == name


def test_a_name_travels_in_ascii() -> None:
    assert disposition('票"1.pdf') == "attachment; filename*=UTF-8''%E7%A5%A8%221.pdf"
