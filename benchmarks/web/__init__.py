"""How the web process behaves with ten thousand documents, a thousand runs and five hundred open pages."""
