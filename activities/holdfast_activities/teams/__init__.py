"""Tools that reach other agents, and the choice of an agent.

needed     the request for child sessions, and their outcomes
delegate   give tasks to other agents: prepares the children, and reads their replies
orphans    child sessions of runs that were reset: how they ended, and cancelling them
handoff    hand a session off to another agent
routing    choosing an agent for a session
team_plan  what a team without a model does next
team_step  its step, which takes the place of a model call
"""
