"""Fields: what single values of a system.toml must look like, and the words that say so."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
SCOPE = r"^[!#-\[\]-~]+$"
DOMAIN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$"
SENTENCE = r"^[^\s\p{Cc}]([^\p{Cc}\x{2028}\x{2029}]*[^\s\p{Cc}])?$"
ORIGIN = r"^https://[^\s/*?#@]+$"
CALLBACK = r"^(https://[^\s/?#@]+|http://localhost(:[0-9]{1,5})?)(/[^\s#]*)?$"
ISSUER = r"^https://[^\s/?#@]+(/[^\s?#]*)?$"
WORD = r"^[^\s\p{Cc}]+$"
USER_POOL_ARN = r"^arn:aws(-us-gov)?:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[a-z0-9-]+_[A-Za-z0-9]+$"
ENDPOINT_SERVICE = r"^[a-z0-9]+([.-][a-z0-9]+)*$"
TAG_KEY = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$"
TAG_VALUE = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$"
ROLE_PATH = r"^/([A-Za-z0-9_+=,.@-]+/)*$"
PACKAGE_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{2,40}$"
URL = r"^https://[^\s/?#@]+(/[^\s]*)?$"
LOGO = r"^https://[^\s/?#@]+/[^\s?#]*\.(png|jpe?g|gif|svg|webp|ico|bmp|tiff?)([?#].*)?$"
EMAIL = r"^[^\s@]+@[^\s@]+\.[^\s@]+$"
PHONE = r"^[0-9]{3}-[0-9]{3}-[0-9]{4}$"
UEI = r"^[A-Z0-9]{12}$"
ASSESSOR_ID = r"^[0-9]{6}$"
SP_800_60_ID = r"^[CD](\.[0-9]{1,2}){2,4}$"
CERTIFICATE = r"^[1-9][0-9]{2,5}$"

WORDS = {
    NAME: "lower case letters, digits and single hyphens, starting with a letter, such as 'grants-tools'",
    SCOPE: "a scope name without spaces, quotes or backslashes, such as 'invoke'",
    DOMAIN: "a domain name in lower case without scheme, port or path, such as 'mcp.example.gov'",
    SENTENCE: "one line of text without line breaks and without spaces at either end",
    ORIGIN: "an origin such as 'https://app.example.gov', without path or wildcard",
    CALLBACK: "an address starting with 'https://' or 'http://localhost', without fragment, such as 'http://localhost:8976/callback'",
    ISSUER: "an issuer such as 'https://login.example.gov/tenant', without query or fragment",
    WORD: "text without spaces",
    USER_POOL_ARN: "the ARN of a user pool, such as 'arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbCdEf123'",
    ENDPOINT_SERVICE: "a service name without the region prefix, such as 'sqs'",
    TAG_KEY: "letters, digits, spaces and _ . : / = + - @ only, as not every AWS service takes more in a tag",
    TAG_VALUE: "one or more of letters, digits, spaces and _ . : / = + - @, as not every AWS service takes anything else in a tag",
    ROLE_PATH: "an IAM path that starts and ends with a slash, such as '/mcp/'",
    URL: "an address that starts with 'https://'",
    LOGO: "the https address of a picture, ending in .png, .jpg, .gif, .svg, .webp, .ico, .bmp or .tiff, as the overview's schema asks",
    EMAIL: "an email address such as 'security@example.gov'",
    PHONE: "a phone number such as '202-555-0123', the only form that FedRAMP's schema takes",
    UEI: "the twelve capital letters and digits of a Unique Entity Identifier of SAM.gov",
    ASSESSOR_ID: "the six digits of the assessor's FedRAMP id",
    SP_800_60_ID: "an id of NIST SP 800-60 volume 2 such as 'C.3.5.1'",
    CERTIFICATE: "the number of a certificate of the Cryptographic Module Validation Program, such as '4523'",
    PACKAGE_ID: "3 to 41 letters, digits, dots, underscores and hyphens, starting with a letter or digit",
}
"""Pattern → what it asks for, in the words of an error message."""

Token = Annotated[str, StringConstraints(pattern=NAME, min_length=2, max_length=31)]
"""At most 31 characters, so that prefixed names stay inside AWS limits."""
ScopeName = Annotated[str, StringConstraints(pattern=SCOPE, max_length=256)]
DomainName = Annotated[str, StringConstraints(pattern=DOMAIN, max_length=240)]
"""Shorter than DNS allows: the canonical URL on it has to fit into the 256 characters of a resource server identifier."""
Sentence = Annotated[str, StringConstraints(pattern=SENTENCE, max_length=1000)]
"""One line for people: OSCAL strings take no line break and no space at either end."""
TagKey = Annotated[str, StringConstraints(pattern=TAG_KEY, max_length=128)]
TagValue = Annotated[str, StringConstraints(pattern=TAG_VALUE, max_length=255)]
"""ECR takes one character less than the 256 of other services; neither it nor CloudWatch takes an empty value."""


class Table(BaseModel):
    """A table of system.toml: no unknown keys, no silent conversions, immutable once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
