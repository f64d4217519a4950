"""Teams: agents that work together.

board      a blackboard for the agents of a team
delegate   tools that give tasks to other agents
"""
