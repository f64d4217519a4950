"""What waits for a person: items, reminders, escalation, deadlines."""
