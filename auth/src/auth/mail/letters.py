"""The message of a mail: headers, plain text and HTML, in the account's language.

A template `templates/<language>/<kind>.txt` has the blocks `subject`, `words`, paragraphs with an empty line
between, and `button`. They are rendered as plain text once; `letter.txt` and `letter.html` lay them out, and
the latter escapes them. A value in a template is one line of at most MAX_VALUE characters, whatever a user
or a browser typed: it can't add a header, a paragraph or a link, or turn the direction of the words after it.
"""

import hashlib
import unicodedata
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from auth.mail.addresses import smtp_address
from auth.mail.kinds import Kind
from auth.mail.languages import CHINESE, ENGLISH
from auth.mail.mails import Mail
from auth.mail.unsubscribing import Unsubscribing

SITE = "GitTix"
MAX_VALUE = 200
TAGS = {ENGLISH: "en", CHINESE: "zh-Hans"}
"""Values of HTML's `lang` (BCP 47)."""
TURN_OFF = {ENGLISH: "Turn off mails like this one", CHINESE: "不再接收此类邮件"}
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
"""Parts of words in Persian and Hindi, and of emoji."""


class _UrlHeader(UnstructuredHeader, BaseHeader):
    """A header with a URL, in one line of any length up to 998 characters.

    The standard library would encode a longer one as words, which no reader decodes in this header.
    """

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _UrlHeader)
POLICY = SMTP.clone(header_factory=_HEADERS)


class Letters:
    """Composes messages.

    sender: E-mail address of MAIL_FROM. public_url: Address of the site without a path, PUBLIC_URL.
    """

    def __init__(self, sender: str, public_url: str, unsubscribing: Unsubscribing) -> None:
        self._sender = Address(SITE, addr_spec=sender)
        self._public_url = public_url
        self._unsubscribing = unsubscribing
        loader = PackageLoader("auth.mail")
        self._plain = _environment(loader, autoescape=False)
        self._html = _environment(loader, autoescape=True)

    def compose(self, mail: Mail) -> EmailMessage:
        """The message, the same in each byte for the same mail, its date and Message-ID included.

        Raises NotAnAddress.
        """
        subject, words, button = self._rendered(mail)
        turn_off = self._unsubscribing.path(mail.user_id) if mail.content.optional else ""
        laid_out = {
            "site": SITE,
            "lang": TAGS[mail.language],
            "subject": subject,
            "paragraphs": words,
            "button": button,
            "link": f"{self._public_url}{mail.content.path}",
            "turn_off": turn_off and f"{self._public_url}{turn_off}",
            "turn_off_words": TURN_OFF[mail.language],
        }
        message = EmailMessage(POLICY)
        message["Subject"] = subject
        message["From"] = self._sender
        message["To"] = smtp_address(mail.to)
        message["Date"] = format_datetime(mail.at)
        message["Message-ID"] = f"<{_digest(mail.id)}@{self._sender.domain}>"
        message["Content-Language"] = laid_out["lang"]
        # Keeps answers of absence and the like away (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        if laid_out["turn_off"]:
            message["List-Unsubscribe"] = f"<{laid_out['turn_off']}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self._plain.get_template("letter.txt").render(laid_out))
        message.add_alternative(self._html.get_template("letter.html").render(laid_out), subtype="html")
        # The standard library's own is random.
        message.set_boundary(f"={_digest(mail.id)[:32]}")
        return message

    def _rendered(self, mail: Mail) -> tuple[str, list[str], str]:
        kind: Kind = mail.content.kind
        template = self._plain.get_template(f"{mail.language}/{kind.value}.txt")
        context = template.new_context({"mail": mail.content, "site": SITE})
        blocks = {name: "".join(template.blocks[name](context)) for name in ("subject", "words", "button")}
        paragraphs = [" ".join(each.split()) for each in blocks["words"].split("\n\n")]
        return blocks["subject"].strip(), [each for each in paragraphs if each], blocks["button"].strip()


def _environment(loader: PackageLoader, *, autoescape: bool) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=autoescape,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(value=one_line, minute=_minute, money=_money)
    return environment


def one_line(text: str) -> str:
    """A value from outside: one line of at most MAX_VALUE characters, without control characters."""
    # Cut first: the rest costs time for each character.
    cut = text[: MAX_VALUE * 4]
    printable = "".join(" " if _is_unprintable(each) else each for each in cut)
    line = " ".join(printable.split())
    return line if len(line) <= MAX_VALUE else f"{line[: MAX_VALUE - 1]}…"


def _is_unprintable(character: str) -> bool:
    return unicodedata.category(character) in _UNPRINTABLE and character not in _JOINERS


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d}"


def _digest(mail_id: str) -> str:
    """Stands for the id where others read it: an id may hold a user's."""
    return hashlib.sha256(mail_id.encode()).hexdigest()
