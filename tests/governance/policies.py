"""A policy for tests."""

SMALL = """\
version: 1
people:
  ada: {name: Ada, email: ada@example.com, jira: 5b10a}
  bob: {account: bob}
  eve: {servicenow: "6282"}
groups:
  risk: [ada, bob]
  heads: [eve]
rules:
  - name: production
    when: {stage: production}
    require: [test, table, review]
    approvals:
      - {group: risk, count: 2}
    due: 5 days
    holds: 52 weeks
  - name: high risk
    when: {risk: [high, very high]}
    require: [review, monitors]
    approvals:
      - {group: risk, author: true}
      - {group: heads}
    due: 12 hours
    on_due: stop
    escalate_to: heads
  - name: always
    require: test
values: {risk: low}
"""
