"""What comes from outside and what is made of it: which messages a mapping is for, where values
stand in them, and what is to be done. Pure.

    campaign.{id}.worldTimeAdvanced   {"worldTime": "2030-01-01T06:00:00Z"}
        → Advance("campaign/{id}", to=field("worldTime"))
        → the clock campaign/7 is moved to that moment

A message that a mapping is for and that does not have what the mapping needs *does not fit*: it is
set aside with the reason, and the next one is taken.
"""
