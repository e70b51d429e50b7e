"""What helps, in the words of these pages; the services say it in calls of their APIs."""

from __future__ import annotations

# By status, for an operator who looks at a customer that is offline.
OFFLINE = {
    "closed": "Nothing: closed for good. Add a new customer.",
    "exported": "Another installation serves this customer.",
    "blocked": "Lift the hold under Holds.",
    "reseller_blocked": "An operator above is blocked: ask who set that hold.",
    "provisionally_terminated": "Activating a package below brings the customer back.",
    "inactive": "Assign a package and renew it under Activate and renew.",
    "suspended": "Add a payment of what is overdue, or lift the suspension until a day, under Holds.",
    "reseller_suspended": "Lift the hold here, or ask the operator above.",
    "service_limited": "Limited, not offline: a payment or the new period ends it.",
    "credit_exceeded": "Add a payment, or raise the credit limit.",
    "no_available_funds": "Add a payment that raises the funds above zero.",
    "spending_limit_reached": "It ends by itself at midnight.",
    "vacation": "End the pause under Holds.",
    "lead": "Make the lead a customer first.",
}
# By the code of a reason that the network knows; where the service says more, its words stay.
NETWORK = {
    "rows_reject": "Do what is named above. If nothing is, heal the rows under Reconciliations.",
    "rows_differ": "Heal the rows under Reconciliations.",
    "wrong_password": "Compare the password in the customer's router, or set a new one under Edit."
    " If all logins of a NAS fail so, its secret differs.",
    "already_logged_in": "If the customer is not in that session, disconnect it under Sessions.",
    "stale_session": "It is closed by itself within minutes, or disconnect it under Sessions.",
    "target_behind": "See that its database answers. What it has missed is written by itself.",
    "radius_silent": "Start it, and see that UDP reaches its port.",
    "login_unknown": "The network hears of changes within seconds: load this page again.",
}
# By the code of an error.
RESOLVE = {
    "open_accounts": "Tick “Close open accounts too”, or close them one by one.",
    "open_balance": "Add a payment, or settle the balance, first.",
    "legal_hold": "Somebody who may has to lift the legal hold first.",
    "possible_duplicate": "Look at the payments of this customer. If it is another one, say why below.",
}
# What services say of a field in the words of their library.
SAID = {
    "Missing data for required field.": "Fill it in.",
    "Field may not be null.": "Fill it in.",
    "Shorter than minimum length 1.": "Fill it in.",
    "Not a valid integer.": "Write a whole number.",
    "String does not match expected pattern.": "Not in the form that is asked for.",
}
# Of a form that somebody else was faster with.
OVERTAKEN = (
    "What you typed is kept. Where it differs, what stands there now is said beside the field: take it"
    " over or leave yours, and save once more."
)
# Of a restored customer whose books or rows are not what they were.
INTEGRITY = (
    "What begins with Books is payments' own: mend it with a credit or a write-off under Statement, or"
    " see the ledger proof. Then delete and restore the customer once more: all is proved anew."
)
