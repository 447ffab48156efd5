"""What a release says of itself in every place where it says it: title, what it is, who made it, and what to mind."""

from __future__ import annotations

TITLE = "Custody: imprisonment in the world"
ABOUT = (
    "Official figures on people in prison, people under supervision and people who return to prison, as their "
    "publishers gave them, each with its way back to the publisher's file and cell; the one figure chosen for each "
    "place, measure and year; and, by a stated method and with a stated uncertainty, the world's prison population."
)
CREATOR = {"@type": "Organization", "name": "Custody contributors"}
KEYWORDS = ("prisons", "imprisonment", "recidivism", "probation", "open data", "official statistics")

#: What is done with text that a spreadsheet takes for a formula: nothing, so that it is read back as it was published.
IN_SPREADSHEETS = (
    "CSV and Parquet hold publishers' text unaltered, also where a cell begins with =, +, -, @, a tab or a carriage "
    "return, which a spreadsheet takes for a formula: open custody.xlsx, which has the same text as text, or import "
    "a CSV with each column of text set to Text, never by a double click."
)

#: What whoever uses a figure must know, a sentence each.
TO_MIND = (
    "A published figure and an estimate are two things: columns named estimate, low and high, and the tables estimate "
    "and world_total, are Custody's own reckoning; value and the columns of measures in country_year are what a "
    "publisher published.",
    "Missing is not zero: an empty cell is a figure that nobody has published, a zero is a published zero.",
    "Each source keeps its licence: column licence says it row by row, LICENCES.md lists them. Cite the primary "
    "source beside Custody.",
    "Figures on return to prison may be compared only where basis, outcome, population and follow-up are equal.",
)
