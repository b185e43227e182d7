"""A widget beside the notebook."""


def show_beside(widget, title):
    raise NotImplementedError
