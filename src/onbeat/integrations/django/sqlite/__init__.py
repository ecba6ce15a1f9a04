"""Django's SQLite backend for the file that Onbeat is on too.

In the settings: `DATABASES = {"default": {"ENGINE": "onbeat.integrations.django.sqlite", …}}`.
"""
