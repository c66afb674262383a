"""The JSON bodies of the API: one type per request and per answer, in one module per resource.

Requests are validated against these types. Answers are built as plain dictionaries; their types describe them in the OpenAPI document, and
the tests compare running webapps with that document. Messages have their own package, `message`.
"""
