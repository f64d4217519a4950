"""One program for each pattern of teams.

    holdfast dev examples.teams.article:app
    python -m examples.teams.article "Two paragraphs about tea"

handoff      a help desk: triage hands the conversation off to the agent for the subject
research     a supervisor that keeps a plan, gives questions to researchers at once, and has the report reviewed
translation  an agent that delegates, with a fallback agent
article      a pipeline: write, criticise, correct
estimate     a parallel team: three estimates at once, combined
decision     a debate with a judge
"""
