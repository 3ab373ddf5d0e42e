"""Where the nats go: work, Crooks and Bennett, the entropy corridor, the ledger of the steps, the
best sub-schedule, the flow.
"""
