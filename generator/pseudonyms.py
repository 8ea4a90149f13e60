"""Pseudonyms: stand-ins for names and addresses, the same for the same value, numbered in order of appearance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

EMAIL: Final = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
URL: Final = re.compile(r"(https?://)((?:\$\{[^}]*\}|[^\s/?#:\"'<>|\\$])+)(:[0-9]{1,5})?([^\s\"'<>|\\]*)")
HOST: Final = re.compile(r"(?<![\w.@/}-])(?:[a-z0-9-]+\.)+(?:cloud|com|dev|edu|gov|internal|io|local|mil|net|org|us)(?![\w.$-])")
ACCOUNT: Final = re.compile(r"(?<![\w.}-])[0-9]{12}(?![\w$-])")
ARN: Final = re.compile(r"(arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:)([0-9]{12})(:)([^\s\"'<>|\\$]+)")
IMAGE: Final = re.compile(r"([0-9]{12})(\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com/)([a-z0-9][a-z0-9._/-]*)")
RESOURCE: Final = re.compile(r"(?<![\w-])((?:acl|eni|fs|igw|nat|pl|rtb|sg|subnet|tgw|vpc|vpce)-)([0-9a-f]{8,17})(?![\w-])")
ZONE: Final = re.compile(r"(?<![\w-])Z[A-Z0-9]{12,31}(?![\w-])")
CIDR: Final = re.compile(r"(?<![\w.-])((?:[0-9]{1,3}\.){3}[0-9]{1,3})(/[0-9]{1,2})?(?![\w.-])")
MARKS: Final = (
    ("account id", re.compile(r":[0-9]{12}(?=:)"), re.compile(r".*:([0-9]{12})")),
    ("account id", re.compile(r"\.dkr\.ecr"), re.compile(r"(?:.*[^\w.-])?([0-9]{12})\.dkr\.ecr")),
    ("email address", re.compile(r"@[A-Za-z][A-Za-z0-9.-]*\.[A-Za-z]{2,}"), re.compile(rf"(?:.*[^A-Za-z0-9._%+'-])?({EMAIL.pattern})")),
    ("id of a network resource", re.compile(r"-[0-9a-f]{8,17}(?![\w-])"), re.compile(rf"(?:.*[^\w-])?({RESOURCE.pattern})")),
)
"""What surely is an address: first what is quickly found of it, then the whole, of which that is the end."""
LONGEST: Final = 100
"""Characters before the quickly found part in which the whole is looked for."""
UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PICTURE: Final = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|ico|bmp|tiff?)(?=[?#]|$)")

AWS_HOSTS: Final = ("amazonaws.com", "amazoncognito.com", "api.aws", "aws.amazon.com")
"""Hosts below these are services of AWS: their names tell a region at most."""
LOOPBACK: Final = ("localhost", "127.0.0.1")
ANYWHERE: Final = ("0.0.0.0", "127.0.0.1", "169.254.169.254", "169.254.170.2")  # noqa: S104 - as text: addresses that tell nothing
PRIVATE: Final = ("10.", "192.168.", *(f"172.{second}." for second in range(16, 32)), *(f"100.{second}." for second in range(64, 128)))
KNOWN_ACCOUNTS: Final = {
    "000000000000": "documentation",
    "111122223333": "documentation",
    "123456789012": "documentation",
    "444455556666": "documentation",
    "580247275435": "Lambda Insights",
    "017000801446": "Powertools for AWS Lambda",
    "137112412989": "Amazon Linux",
    "602401143452": "Amazon EKS",
    "127311923021": "Elastic Load Balancing, us-east-1",
    "033677994240": "Elastic Load Balancing, us-east-2",
    "027434742980": "Elastic Load Balancing, us-west-1",
    "797873946194": "Elastic Load Balancing, us-west-2",
    "048591011584": "Elastic Load Balancing, us-gov-west-1",
    "190560391635": "Elastic Load Balancing, us-gov-east-1",
}
"""Accounts that belong to nobody, or to AWS, as its documentation gives them; they stay."""


def addresses(text: str) -> Iterator[tuple[str, str]]:
    """What in a text is an account, an email address or a network resource, with the kind of it.

    A bare number of twelve digits is none: a shortened hash looks like that too.
    """
    for what, quick, whole in MARKS:
        for found in quick.finditer(text):
            if said := whole.fullmatch(text[max(0, found.start() - LONGEST) : found.end()]):
                yield what, said[1]


@dataclass
class Pseudonyms:
    """Every stand-in given so far. One object for several systems keeps them the same in all their packages."""

    given: dict[tuple[str, str], str] = field(default_factory=dict)
    """(Form, original) → stand-in."""
    taken: set[str] = field(default_factory=set)
    """Originals, in lower case: a stand-in is never one of them."""
    shared: set[str] = field(default_factory=set)
    """Originals that stand at several keys: none of them can stay at one and be replaced at another."""
    origins: dict[str, str] = field(default_factory=dict)
    """Original → where it was met first, such as `organisation.name`."""
    stand_ins: set[str] = field(default_factory=set)
    _numbers: Counter[str] = field(default_factory=Counter)

    def give(self, form: str, original: str, origin: str) -> str:
        """The stand-in for a value: the form with the next number that makes nothing which is an original itself.

        A stand-in stays what it is.
        """
        known = original if original in self.stand_ins else self.given.get((form, original))
        if known is not None:
            return known
        while True:
            self._numbers[form] += 1
            stand_in = form.format(self._numbers[form])
            if stand_in.lower() not in self.taken:
                break
        self.given[form, original] = stand_in
        self.stand_ins.add(stand_in)
        self.origins.setdefault(original, origin)
        return stand_in

    def host(self, original: str, origin: str) -> str:
        """A host; services of AWS and the loopback stay."""
        name = original.lower()
        if name in LOOPBACK or name.endswith(AWS_HOSTS):
            return original
        return self.give("host-{}.example", name, origin)

    def url(self, original: str, origin: str) -> str:
        """An address: scheme and port stay, and so does what tells that a path ends as a folder or as a picture."""
        found = URL.fullmatch(original)
        if found is None:
            return self.give("https://host-{}.example", original, origin)
        scheme, host, port, path = found.groups(default="")
        if host in self.stand_ins:
            return original
        if path not in ("", "/"):
            picture = PICTURE.search(path)
            end = picture[0] if picture else "/" if path.endswith("/") else ""
            path = self.give("/path-{}", path[: picture.start()] if picture else path.removesuffix("/"), origin) + end
        return f"{scheme}{self.host(host, origin)}{port}{path}"

    def email(self, original: str, origin: str) -> str:
        name, _, host = original.rpartition("@")
        return f"{self.give('mail-{}', name, origin)}@{self.host(host, origin)}"

    def account(self, original: str, origin: str) -> str:
        return original if original in KNOWN_ACCOUNTS else self.give("{:012}", original, origin)

    def arn(self, original: str, origin: str) -> str:
        """Service, region and kind of resource stay; account and name of the resource do not."""
        found = ARN.fullmatch(original)
        if found is None or found[2] in KNOWN_ACCOUNTS or found[2] in self.stand_ins:
            return original
        return f"{found[1]}{self.account(found[2], origin)}:{self._resource(found[4], origin)}"

    def in_known_account(self, original: str, origin: str) -> str:
        """An ARN or an image in an account that stays, as example values have it: what it names does not stay."""
        if found := ARN.fullmatch(original):
            return f"{found[1]}{found[2]}:{self._resource(found[4], origin)}"
        if found := IMAGE.match(original):
            return f"{found[1]}{found[2]}{self.give('repository-{}', found[3], origin)}{original[found.end() :]}"
        return original

    def _resource(self, resource: str, origin: str) -> str:
        found = re.match(r"[a-z][A-Za-z0-9-]*[/:](?=.)", resource)
        kind = found[0] if found else ""
        name = resource.removeprefix(kind)
        pool = re.fullmatch(r"([a-z0-9-]+_)[A-Za-z0-9]+", name) if kind == "userpool/" else None
        if name in ("", "*"):
            return resource
        if UUID.fullmatch(name):
            form = "00000000-0000-0000-0000-{:012}"
        elif re.fullmatch(r"mrk-[0-9a-f]{32}", name):
            form = "mrk-{:032}"
        else:
            form = f"{pool[1]}Redacted{{}}" if pool else "name-{}"
        return kind + self.give(form, name, origin)

    def address(self, original: str, origin: str) -> str:
        """An IPv4 address or network: private ones stay private, networks keep their size, `0.0.0.0/0` is everywhere and stays."""
        address, _, size = original.partition("/")
        if address in ANYWHERE:
            return original
        kind = "10.0.{}.0" if address.startswith(PRIVATE) else "203.0.113.{}"
        return self.give(kind, address, origin) + (f"/{size}" if size else "")

    def text(self, original: str, origin: str, *, keep: Callable[[str], bool] = lambda _: False) -> str:
        """A text without account ids, ARNs of an account, addresses and ids of network resources; `keep` says what may stay."""
        text = original
        patterns: tuple[tuple[re.Pattern[str], Callable[[str, str], str]], ...] = (
            (ARN, self.arn),
            (IMAGE, self.image),
            (EMAIL, self.email),
            (URL, self._foreign_url),
            (HOST, self.host),
            (ACCOUNT, self.account),
            (RESOURCE, self.resource_id),
            (CIDR, self.address),
        )
        for pattern, replaced in patterns:
            text = pattern.sub(lambda found, replaced=replaced: found[0] if keep(found[0]) else replaced(found[0], origin), text)  # type: ignore[misc]  # a default binds the name now
        return text

    def _foreign_url(self, original: str, origin: str) -> str:
        """In a template the path on a service of AWS is the service's, and a host with `${…}` in it is known to nobody yet."""
        found = URL.fullmatch(original)
        settled = found is None or "$" in found[2] or self.host(found[2], origin) == found[2]
        return original if settled else self.url(original, origin)

    def image(self, original: str, origin: str) -> str:
        """An image of a private registry; a digest behind it stays."""
        found = IMAGE.fullmatch(original)
        if found is None or found[1] in KNOWN_ACCOUNTS or found[1] in self.stand_ins:
            return original
        return f"{self.account(found[1], origin)}{found[2]}{self.give('repository-{}', found[3], origin)}"

    def resource_id(self, original: str, origin: str) -> str:
        """An id such as `vpc-0123456789abcdef0`, by one of the same kind and length."""
        kind, _, digits = original.partition("-")
        return self.give(f"{kind}-{{:0{len(digits)}}}", original, origin)
