"""Teams: agents that work together.

board      a blackboard for the agents of a team
checks     checks of an App's teams
delegate   tools that give tasks to other agents
handoff    hand a session off to another agent
team       agents that work in a fixed order, without a model that leads them
"""
