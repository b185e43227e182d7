"""The bundled encoder: how it is trained, evaluated and described."""
