"""The analyst: an agent that answers a question about a CSV file and writes a report with a chart.

It profiles the file, plans, queries it by SQL, checks each figure by a second query,
draws a chart and writes a Markdown report. Its tools read one file and write into one
folder; no tool takes a path.

    holdfast dev examples.analyst.app:app
    holdfast run analyst "Which continent's life expectancy grew most, and when?"

Settings, from the environment:

    ANALYST_DATA      the CSV file; the sample in data/ by default
    ANALYST_REPORTS   the folder for reports and charts; report/ by default
    ANALYST_MODEL     "provider:model"; by default one whose key is set, else the offline analyst

The offline analyst is a plain program behind the model interface, for machines without
a key. It follows fixed rules and states this in its report. Serve it with
``python -m holdfast.testing.model --script examples.analyst.offline:script`` and point
OPENAI_BASE_URL to it.

    app.py       the agent: instructions, limits, settings
    tools.py     its tools
    reading.py, kinds.py, table.py   the CSV file as an SQLite table
    query.py, profile.py             reading that table, and nothing else
    chart.py, files.py               charts, and files written whole
    offline/     the offline analyst
"""
