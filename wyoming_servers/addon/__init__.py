"""Home Assistant's add-ons: their options, made from our settings, and what they tell the Supervisor."""
