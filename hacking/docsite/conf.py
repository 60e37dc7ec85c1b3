"""The documentation as a site: the guides of docs/ (Markdown) and the reference made of the plugins themselves."""

from __future__ import annotations

import typing as t

from docutils import nodes

if t.TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "encryption.in_transit"
project_copyright = "the encryption.in_transit authors"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
# Guides link to headings of each other as they do on a repository's web pages.
myst_heading_anchors = 3

# A block that names no language is a terminal, not Python.
highlight_language = "none"

html_theme = "sphinx_ansible_theme"
html_theme_options = {"display_version": False, "titles_only": True}
html_title = "encryption.in_transit"
html_show_sphinx = False
html_copy_source = False

#: Pages of Ansible's documentation that generated reference links to, by label. Its index of labels cannot be fetched
#: where there is no network, so that a build would depend on it.
ANSIBLE = "https://docs.ansible.com/ansible-core/devel/"
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def resolve(_app: Sphinx, _env: object, node: nodes.Element, content: nodes.Element) -> nodes.Node | None:
    """A link to Ansible's own documentation; None for any other label, which is then a warning and so an error."""
    page = LABELS.get(node.get("reftarget", ""))
    return nodes.reference("", "", content, internal=False, refuri=ANSIBLE + page) if page else None


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", resolve)
