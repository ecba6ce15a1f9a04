"""For the tests of who uses Onbeat: the real engine, in a time that the test moves."""
