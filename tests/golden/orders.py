"""Payment orders whose files are golden; invented names, IBANs with valid check digits."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from mappings.party import Party
from mappings.payment import CreditTransfer, PaymentBatch, PaymentOrder

DEBTOR = Party("Voorbeeld & Zoon B.V.", "NL19TRIO0338500014", "TRIONL2U")
CREATED = datetime(2026, 11, 24, 9, 15, 3)
DAY = date(2026, 11, 26)


def order(*transfers: CreditTransfer, purpose: str | None = "SUPP") -> PaymentOrder:
    """An order of one batch."""
    return PaymentOrder("WS-1-7-0A1B2C3D", CREATED, DEBTOR.name,
                        (PaymentBatch("WS-1-7-0A1B2C3D-B1", DAY, DEBTOR, purpose, True, transfers),))


SUPPLIERS = order(
    CreditTransfer("WS-1-7-0A1B2C3D-1", Decimal("1210.00"), Party("Bakkerij Zonnebloem BV", "NL29RABO0300123450",
                                                                  "RABONL2U"), "2026-0001 2026_0002"),
    CreditTransfer("WS-1-7-0A1B2C3D-2", Decimal("99.95"), Party("Atelier Crème Brûlée SPRL", "BE21001234567803"),
                   "Facture n° 17 – à régler"),
    CreditTransfer("WS-1-7-0A1B2C3D-3", Decimal("0.01"), Party("Belastingdienst", "NL53INGB0007000138", "INGBNL2A"),
                   structured_reference="9001041146812501"),
    CreditTransfer("WS-1-7-0A1B2C3D-4", Decimal("48.4"), Party("Energie Noordwest BV", "NL54ABNA0417123450"),
                   structured_reference="RF18539007547034"),
)
SALARIES = PaymentOrder("WS-1-8-4E5F6071", CREATED, DEBTOR.name, (
    PaymentBatch("WS-1-8-4E5F6071-B1", DAY, Party(DEBTOR.name, DEBTOR.iban), "SALA", True, (
        CreditTransfer("WS-1-8-4E5F6071-1", Decimal("2345.67"), Party("P. Jansen-Vos", "NL59ASNB0709123450"),
                       "Salaris november 2026"),)),
    PaymentBatch("WS-1-8-4E5F6071-B2", date(2026, 11, 30), DEBTOR, "SALA", False, (
        CreditTransfer("WS-1-8-4E5F6071-2", Decimal("1999.00"), Party("M. de Wit", "NL15INGB0001234560"), ""),)),
))
ORDERS = {"suppliers": SUPPLIERS, "salaries": SALARIES}
