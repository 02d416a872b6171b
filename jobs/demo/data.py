"""The company of the demo and its month, as plain data. Nobody in it exists; IBANs and VAT numbers have valid digits.

Days are working days of the month (1 = its first weekday; every month has at least twenty), so it fits any month.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

COMPANY = {"name": "Voorbeeld Diensten BV", "street": "Voorbeeldkade 12", "zip": "3511 AB", "city": "Utrecht",
           "email": "administratie@voorbeeld-diensten.example", "phone": "+31 30 555 01 23",
           "website": "https://www.voorbeeld-diensten.example", "vat": "NL861234509B01"}
IBAN = "NL57TRIO0254100309"
BIC = "TRIONL2U"
OPENING = Decimal("18250.40")

ACCOUNTANT = "boekhouder@voorbeeld-diensten.example"
ASSISTANT = "assistent@voorbeeld-diensten.example"
ACCOUNTANTS = {ACCOUNTANT: "Marleen Post", ASSISTANT: "Bram Kuiper"}
RIGHTS = (
    "account.group_account_invoice",  # invoices, bills, payments
    "account.group_account_user",  # bank statements, reconciling; also the expense reports of everybody
    "hr_timesheet.group_hr_timesheet_approver",  # everybody's hours
    "sales_team.group_sale_salesman_all_leads",  # everybody's sale orders
    "base.group_private_addresses",  # names and accounts of employees, for salaries
)
"""The least with which an accountant can run the month on a stock Odoo 14."""


class Partner(NamedTuple):
    """A customer, a supplier or an employee's private address."""

    name: str
    street: str
    zip: str
    city: str
    email: str
    iban: str
    vat: str = ""
    country: str = "nl"
    days: int = 30
    """Days of payment that we give a customer."""


CUSTOMERS = {
    "bakker": Partner("Bakker Logistiek BV", "Havenweg 48", "8011 CD", "Zwolle", "info@bakker-logistiek.example",
                      "NL54RABO0300500718", "NL861234510B01"),
    "zonnehof": Partner("Stichting Zonnehof", "Lindelaan 3", "3701 EF", "Zeist", "facturen@zonnehof.example",
                        "NL62INGB0001234005"),
    "vos": Partner("Vos Techniek BV", "Ambachtstraat 21", "5038 GH", "Tilburg", "administratie@vos-techniek.example",
                   "NL84ABNA0400600803", "NL861234522B01", days=15),
    "waterland": Partner("Waterland Events BV", "Gouw 7", "1141 JK", "Monnickendam", "boekhouding@waterland.example",
                         "NL43KNAB0255000103", "NL861234534B01"),
}
INVOICE_ADDRESSES = {"bakker": ("Crediteurenadministratie", "crediteuren@bakker-logistiek.example")}

SUPPLIERS = {
    "hoek": Partner("Kantoorpand De Hoek BV", "Stationsplein 1", "3511 LM", "Utrecht", "verhuur@de-hoek.example",
                    "NL26RABO0310420539", "NL861234546B01"),
    "noord": Partner("Netwerk & Hosting Noord BV", "Kabelweg 90", "9723 NP", "Groningen", "facturen@nh-noord.example",
                     "NL46INGB0006543006", "NL861234558B01"),
    "terpstra": Partner("Administratiekantoor Terpstra", "Markt 14", "8601 RS", "Sneek", "kantoor@terpstra.example",
                        "NL34ABNA0410520632", "NL861234571B01"),
    "lindeboom": Partner("Lindeboom Vertalingen BV", "Lindestraat 5", "2000", "Antwerpen", "info@lindeboom.example",
                         "BE57734001234535", country="be"),
    "energie": Partner("Energie Zuid NV", "Dynamoweg 100", "5651 TU", "Eindhoven", "klant@energie-zuid.example",
                       "NL48RABO0320530647", "NL861234583B01"),
}
DIRECT_DEBIT = ("energie",)


class Employee(NamedTuple):
    """Somebody who works here; the partner is his private address."""

    partner: Partner
    job: str
    hourly_cost: Decimal
    gross: Decimal
    net: Decimal


EMPLOYEES = {
    "sanne": Employee(Partner("Sanne de Wit", "Kersengaard 8", "3572 VW", "Utrecht", "sanne@voorbeeld-diensten.example",
                              "NL65SNSB0900100206"),
                      "Consultant", Decimal("48.50"), Decimal("4650.00"), Decimal("3121.44")),
    "joost": Employee(Partner("Joost van Dijk", "Molenpad 31", "3981 XY", "Bunnik", "joost@voorbeeld-diensten.example",
                              "NL50ASNB0700300104"),
                      "Ontwikkelaar", Decimal("42.00"), Decimal("4150.00"), Decimal("2874.10")),
    "fatima": Employee(Partner("Fatima el Amrani", "Parkzicht 112", "3431 ZA", "Nieuwegein",
                               "fatima@voorbeeld-diensten.example", "NL58TRIO0390200409"),
                       "Projectleider", Decimal("55.00"), Decimal("5100.00"), Decimal("3390.65")),
}

# code: name, price an hour, hours (else a fixed price)
PRODUCTS = {
    "advies": ("Advies", Decimal("98.00"), True),
    "ontwikkeling": ("Ontwikkeling", Decimal("112.00"), True),
    "projectleiding": ("Projectleiding", Decimal("125.00"), True),
    "support": ("Support", Decimal("89.50"), True),
    "training": ("Training sleutelgebruikers, vaste prijs", Decimal("1250.00"), False),
}


class Order(NamedTuple):
    """A sale order, which makes a project with a task per line of hours."""

    project: str
    lines: tuple[tuple[str, int], ...]
    """Product, and the quantity agreed."""
    tasks: tuple[tuple[str, str, str, int], ...] = ()
    """Further tasks: code, product, name, hours planned."""


ORDERS = {
    "bakker": Order("Voorraadportaal", (("advies", 40), ("ontwikkeling", 120)), (
        ("migratie", "ontwikkeling", "Module voorraad migreren", 40), ("wensen", "advies", "Wensen uitvragen", 16))),
    "zonnehof": Order("ERP-inrichting", (("advies", 60), ("training", 1)), (
        ("rapport", "advies", "Rapport bezetting bouwen", 24),)),
    "vos": Order("Supportcontract", (("support", 50),), (("server", "support", "Server inrichten", 16),)),
    "waterland": Order("Migratie urenregistratie", (("ontwikkeling", 80), ("projectleiding", 20)), ()),
}

INTERNAL = "intern"
# (employee, customer or INTERNAL, task of the order or the product whose own task it is, working day, hours, what)
HOURS = (
    ("sanne", "bakker", "wensen", 1, "6.5", "Workshop magazijn: huidige werkwijze doorgenomen"),
    ("sanne", "bakker", "wensen", 2, "4", "Interviews planning en expeditie uitgewerkt"),
    ("sanne", "bakker", "advies", 3, "3.25", "User stories ontvangst en picking geschreven"),
    ("sanne", "zonnehof", "advies", 3, "4", "Inrichting grootboek en dagboeken besproken"),
    ("sanne", "zonnehof", "advies", 4, "7.5", "Relaties en artikelen ingericht"),
    ("sanne", "zonnehof", "rapport", 5, "5", "Rapport bezetting: gegevens en definities bepaald"),
    ("sanne", INTERNAL, "", 6, "1.5", "Maandoverleg"),
    ("sanne", "zonnehof", "rapport", 8, "6", "Rapport bezetting: eerste versie gebouwd"),
    ("sanne", "bakker", "advies", 9, "5.75", "Acceptatiecriteria afgestemd met magazijn"),
    ("sanne", "vos", "support", 10, "2.25", "Vragen over inkooporders beantwoord"),
    ("sanne", "zonnehof", "advies", 11, "7", "Autorisaties en goedkeuring inkoop ingericht"),
    ("sanne", "zonnehof", "rapport", 12, "3.5", "Opmerkingen controller verwerkt"),
    ("sanne", "bakker", "advies", 13, "4.5", "Testscript opgesteld"),
    ("sanne", "bakker", "advies", 15, "6", "Gebruikerstest begeleid"),
    ("sanne", "zonnehof", "advies", 16, "4.25", "Overleg koppeling salarispakket"),
    ("sanne", "zonnehof", "advies", 18, "5", "Inrichting nagelopen met sleutelgebruikers"),
    ("sanne", "bakker", "advies", 20, "3", "Voortgang besproken met directie"),
    ("joost", "bakker", "migratie", 1, "7", "Module voorraad: datamodel vergeleken"),
    ("joost", "bakker", "migratie", 2, "7.5", "Module voorraad: code overgezet"),
    ("joost", "bakker", "migratie", 3, "6", "Module voorraad: tests hersteld"),
    ("joost", "bakker", "ontwikkeling", 4, "7.5", "Scherm ontvangst goederen gebouwd"),
    ("joost", "bakker", "ontwikkeling", 5, "8", "Barcodescanner gekoppeld"),
    ("joost", INTERNAL, "", 6, "1.5", "Maandoverleg"),
    ("joost", "vos", "server", 6, "5.5", "Server ingericht, back-up getest"),
    ("joost", "vos", "server", 7, "6", "Overzetten acceptatieomgeving"),
    ("joost", "waterland", "ontwikkeling", 8, "8", "Export uit oude urenregistratie ontleed"),
    ("joost", "waterland", "ontwikkeling", 9, "7.5", "Importprogramma uren, eerste opzet"),
    ("joost", "waterland", "ontwikkeling", 10, "8", "Importprogramma uren, controles toegevoegd"),
    ("joost", "vos", "support", 11, "1.75", "Storing e-mail verholpen"),
    ("joost", "waterland", "ontwikkeling", 11, "5", "Proefmigratie gedraaid"),
    ("joost", "bakker", "ontwikkeling", 12, "7.25", "Picklijst per zone"),
    ("joost", "bakker", "ontwikkeling", 13, "8", "Picklijst: etiketten en printer"),
    ("joost", "waterland", "ontwikkeling", 14, "6.5", "Verschillen proefmigratie opgelost"),
    ("joost", "bakker", "ontwikkeling", 15, "6", "Bevindingen gebruikerstest opgelost"),
    ("joost", "bakker", "ontwikkeling", 16, "7.75", "Koppeling vervoerder, verzendlabels"),
    ("joost", "vos", "support", 17, "2.5", "Rechten nieuwe medewerkers aangepast"),
    ("joost", "waterland", "ontwikkeling", 18, "7", "Tweede proefmigratie"),
    ("joost", "bakker", "ontwikkeling", 19, "8", "Telmodule voorraadverschillen"),
    ("joost", "vos", "support", 20, "1.25", "Vraag over btw-aangifte uitgezocht"),
    ("fatima", "waterland", "projectleiding", 1, "3", "Startoverleg en planning"),
    ("fatima", "waterland", "projectleiding", 4, "1.5", "Voortgangsoverleg"),
    ("fatima", INTERNAL, "", 6, "1.5", "Maandoverleg"),
    ("fatima", "waterland", "projectleiding", 8, "2", "Afspraken oplevering vastgelegd"),
    ("fatima", "vos", "support", 9, "1", "Kwartaalgesprek serviceniveau"),
    ("fatima", "waterland", "projectleiding", 14, "2.5", "Proefmigratie besproken, besluitenlijst"),
    ("fatima", "zonnehof", "advies", 16, "2", "Stuurgroep: planning en risico's"),
    ("fatima", "waterland", "projectleiding", 19, "2", "Draaiboek overgang"),
)


class Bill(NamedTuple):
    """A supplier's bill or credit note."""

    supplier: str
    number: str
    """The supplier's own."""
    day: int
    due: int
    """Days after its date."""
    account: str
    what: str
    net: Decimal
    tax: str = "21% BTW diensten"
    credit_note: bool = False
    bank_account_given: bool = True
    """Odoo's own form fills it in; bills that came another way lack it."""
    payment_reference: str = ""


BILLS = {
    "hoek": Bill("hoek", "H-1180", 1, 14, "411000", "Huur kantoor", Decimal("1850.00")),
    "noord-hosting": Bill("noord", "NHN-40871", 3, 30, "462100", "Hosting servers", Decimal("389.50")),
    "noord-licentie": Bill("noord", "NHN-40902", 8, 30, "462100", "Licenties back-up", Decimal("124.00")),
    "noord-credit": Bill("noord", "NHN-C-0118", 9, 30, "462100", "Creditnota storing vorige maand", Decimal("58.25"),
                         credit_note=True),
    "terpstra": Bill("terpstra", "F-0917", 5, 21, "460100", "Salarisadministratie", Decimal("215.00"),
                     bank_account_given=False, payment_reference="Klant 2041 factuur F-0917"),
    "terpstra-later": Bill("terpstra", "F-0988", 20, 62, "460100", "Voorbereiding jaarrekening", Decimal("950.00")),
    "lindeboom": Bill("lindeboom", "LV-077", 6, 30, "402100", "Vertaling handleiding portaal", Decimal("642.75"),
                      tax="21% BTW import binnen EU diensten"),
    "energie": Bill("energie", "7743120", 4, 21, "413000", "Stroom en warmte", Decimal("318.60")),
}
"""`terpstra-later` is not due with the others; the credit note is netted; `energie` is debited by direct debit."""

EXPENSE_REPORT = ("joost", "Reiskosten klantbezoek", (
    ("trein", 2, "Trein Utrecht - Zwolle v.v.", Decimal("46.80")),
    ("parkeren", 10, "Parkeren Monnickendam", Decimal("18.50")),
    ("lunch", 15, "Lunch gebruikerstest Bakker", Decimal("64.25")),
))
EXPENSE_ACCOUNT = "451000"

GROSS_WAGES, WAGE_TAX, OPENING_BALANCE = "400100", "163000", "201000"
"""Accounts of the Dutch chart (l10n_nl). It has no payable account for net wages: the demo adds the settings' one."""

# Which part of his invoice a customer pays.
CUSTOMERS_PAY = {"bakker": Decimal("1"), "zonnehof": Decimal("1"), "vos": Decimal("1"), "waterland": Decimal("0.5")}
BANK_COSTS = Decimal("6.75")
CREDITOR_ID, MANDATE = "NL86ZZZ555555550000", "EZ-2041-07"
"""Of the supplier who debits us."""

MONTHS = ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
          "november", "december")
