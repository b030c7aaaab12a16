"""Currencies by ISO 4217: their codes, their decimals, and amounts as people read them."""

import math
from types import MappingProxyType
from typing import Final

from levered_site.number_texts import (
    MINUS,
    NO_BREAK_SPACE,
    NO_VALUE,
    format_significant,
)

# Those in use; neither funds nor metals.
CODES: Final = frozenset(
    {
        *("AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN"),
        *("BAM", "BBD", "BDT", "BGN", "BHD", "BIF", "BMD", "BND", "BOB", "BRL"),
        *("BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY"),
        *("COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP"),
        *("ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD"),
        *("GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR"),
        *("IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF"),
        *("KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL"),
        *("LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR"),
        *("MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR"),
        *("NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR"),
        *("RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD"),
        *("SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB"),
        *("TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX"),
        *("USD", "UYU", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD"),
        *("XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG"),
    }
)
DEFAULT_DECIMALS: Final = 2
NO_DECIMALS: Final = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
    *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
)
THREE_DECIMALS: Final = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
DECIMALS: Final = MappingProxyType(
    dict.fromkeys(NO_DECIMALS, 0) | dict.fromkeys(THREE_DECIMALS, 3)
)
SYMBOLS: Final = MappingProxyType({"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"})
# From here on amounts have no decimals, and four significant digits.
LARGE: Final = 100
WORD_JOINER: Final = "\N{WORD JOINER}"  # a line may break between "+" and "€"


def format_amount(
    amount: float | None, currency: str | None, *, signed: bool = False
) -> str:
    """Return an amount as `€12,350` or, signed, `+¥300`; a dash if not finite.

    It stays in one line. Without a currency it is a plain number.
    """
    if amount is None or not math.isfinite(amount):
        return NO_VALUE
    decimals = DECIMALS.get(currency or "", DEFAULT_DECIMALS)
    size = abs(amount)
    number = (
        format_significant(float(round(size)))
        if size >= LARGE
        else f"{size:.{decimals}f}"
    )
    is_zero = not number.strip("0.")
    sign = "" if is_zero else MINUS if amount < 0 else "+" if signed else ""
    prefix = _find_prefix(currency)
    joiner = WORD_JOINER if sign and prefix else ""
    return f"{sign}{joiner}{prefix}{number}"


def _find_prefix(currency: str | None) -> str:
    if not currency:
        return ""
    return SYMBOLS.get(currency, f"{currency}{NO_BREAK_SPACE}")
