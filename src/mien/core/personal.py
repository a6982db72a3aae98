"""What names a person directly: fields known by their names, and how they are shown to who may not see them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

Value = str | int | float | bool

PERSONAL: dict[str, tuple[str, ...]] = {
    "EMAIL": ("email", "mail", "emailaddress", "邮箱", "电子邮箱"),
    "PHONE": (
        "phone", "phonenumber", "mobile", "mobilephone", "telephone", "tel", "手机", "手机号", "电话", "联系电话",
    ),
    "NAME": ("firstname", "lastname", "fullname", "customername", "recipient", "姓名", "收货人"),
    "ADDRESS": (
        "address", "street", "addressline1", "addressline2", "shippingaddress", "billingaddress", "地址", "收货地址",
    ),
    "ID_CARD": ("idcard", "idnumber", "identitycard", "ssn", "身份证", "身份证号"),
    "PASSPORT": ("passport", "passportnumber", "护照", "护照号"),
    "CARD": ("cardnumber", "creditcard", "iban", "银行卡号"),
    "BIRTHDAY": ("birthday", "birthdate", "dateofbirth", "生日"),
}  # fmt: skip
"""Kind → names of fields that hold it whatever its shape, compared without `_`, `-`, `.`, blanks and case."""
_KIND = {name: kind for kind, names in PERSONAL.items() for name in names}
_DROPPED = str.maketrans("", "", "_-. ")


@lru_cache(maxsize=8192)
def plain_name(name: str) -> str:
    """The name of a field as names are compared."""
    return name.translate(_DROPPED).casefold()


@lru_cache(maxsize=8192)
def kind_of_field(name: str) -> str | None:
    """What a property of this name holds of a person; None for others. A `name` may be that of goods."""
    return _KIND.get(plain_name(name))


def kind_of_trait(name: str, more: Iterable[str] = ()) -> str | None:
    """The same for what a user declares of themself. `more`: names of fields that a shop wants treated so, too.

    Of a nested trait, `address.city`, both names count.
    """
    parts = (name, *name.split("."))
    found = next((kind for part in parts if (kind := kind_of_field(part)) is not None), None)
    if found is not None:
        return found
    if plain_name(name) == "name":
        return "NAME"
    return "PERSONAL" if plain_name(name) in {plain_name(one) for one in more} else None


def masked(kind: str, value: object) -> str:
    """A value as those see it who may not see it whole: `a***@e***.com`, `138***00`, `A***`."""
    text = str(value)
    if kind == "EMAIL" and "@" in text:
        name, _, host = text.rpartition("@")
        first, _, ending = host.rpartition(".")
        return f"{name[:1]}***@{first[:1]}***.{ending}" if first else f"{name[:1]}***@***"
    if kind == "PHONE" and len(text) >= 8:
        return f"{text[:3]}***{text[-2:]}"
    return f"{text[:1]}***" if kind == "NAME" else "***"


def masked_traits(traits: Mapping[str, Value], more: Iterable[str] = ()) -> dict[str, Value]:
    """Declared traits as those see them who may not see whom they are of."""
    kinds = {name: kind_of_trait(name, more) for name in traits}
    return {name: value if (kind := kinds[name]) is None else masked(kind, value) for name, value in traits.items()}


def impersonal(traits: Mapping[str, Value], more: Iterable[str] = ()) -> dict[str, Value]:
    """Declared traits that many may share: those that name a person are left out."""
    return {name: value for name, value in traits.items() if kind_of_trait(name, more) is None}
