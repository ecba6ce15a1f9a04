"""What each engine gives to hand-written, set-based SQL: no line of Onbeat in it."""
